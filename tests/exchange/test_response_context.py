import pytest

from device.exchange.response_context import Branch, ResponseContext, Target
from device.sip.hop import Hop, NextHop
from device.sip.message import Response
from device.sip.transaction import ClientKey, ServerKey
from device.sip.uri import parse_uri
from tests.support.sip_messages import request

SOURCE = Hop("UDP", "192.0.2.1", 5060)
VIA = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=192.0.2.1"


def context(*finals: int | None, method: str = "INVITE") -> ResponseContext:
    """A context with one branch for each status, None for one that has not answered."""
    asked = request(method, via=VIA)
    made = ResponseContext(ServerKey("z9hG4bK1", "192.0.2.1:5060", method), asked, SOURCE, "-mark")
    for number, status in enumerate(finals):
        target = Target(parse_uri(f"sip:bob@192.0.2.{number}"))
        branch = Branch(ClientKey(f"b{number}", method), asked, NextHop(f"192.0.2.{number}"), target, 1)
        if status is not None:
            branch.final = asked.response(status, to_tag=f"t{number}")
        made.branches[branch.key] = branch
    return made


def best(*finals: int | None) -> Response:
    response = context(*finals).best()
    assert response is not None
    return response


class TestBest:
    @pytest.mark.parametrize(
        ("finals", "chosen"),
        [
            ((486, 404), 486),
            ((404, 486), 404),
            ((486, 603), 603),
            ((302, 603), 603),
            ((500, 486), 486),
            ((486, 302), 302),
            ((486, 401), 401),
            ((404, 407), 407),
            ((404, 415), 415),
            ((404, 420), 420),
            ((404, 484), 484),
            ((408, 486), 486),
            ((408, 480), 480),
            ((408, 500), 408),
            ((503, 500), 500),
            ((408,), 408),
            ((487, 487), 487),
        ],
    )
    def test_the_order_of_section_16_7(self, finals: tuple[int, ...], chosen: int) -> None:
        assert best(*finals).status == chosen

    @pytest.mark.parametrize("finals", [(None,), (486, None), (603, None)])
    def test_nothing_is_chosen_while_a_branch_is_open(self, finals: tuple[int | None, ...]) -> None:
        assert context(*finals).best() is None

    def test_the_first_of_equals_is_chosen(self) -> None:
        assert best(486, 480, 486).to.tag == "t0"

    def test_an_overloaded_server_further_on_is_not_us(self) -> None:
        response = best(503, 503)
        assert (response.status, response.reason) == (500, "Service Unavailable")
        assert response.headers.get("Retry-After") is None

    def test_all_challenges_go_back_together(self) -> None:
        made = context(407, 401, 407, 404)
        branches = list(made.branches.values())
        for branch, name, value in (
            (branches[0], "Proxy-Authenticate", "Digest realm=zero"),
            (branches[1], "WWW-Authenticate", "Digest realm=one"),
            (branches[2], "Proxy-Authenticate", "Digest realm=two"),
            (branches[3], "WWW-Authenticate", "Digest realm=none"),
        ):
            assert branch.final is not None
            branch.final.headers.add(name, value)
        response = made.best()
        assert response is not None
        assert response.status == 407
        assert response.headers.get_all("Proxy-Authenticate") == ["Digest realm=zero", "Digest realm=two"]
        assert response.headers.get_all("WWW-Authenticate") == ["Digest realm=one"]


class TestOnward:
    @pytest.mark.parametrize("rest", [[], ["garbage"], ["SIP/2.0/UDP evil.example;branch=z9hG4bKx", "more"]])
    def test_the_vias_are_those_that_the_request_came_with(self, rest: list[str]) -> None:
        made = context(None)
        response = made.request.response(180, to_tag="t")
        response.headers.remove("Via")
        for via in ("SIP/2.0/UDP 192.0.2.10;branch=b0", *rest):
            response.headers.add("Via", via)
        (branch,) = made.branches.values()
        assert made.onward(branch, response).headers.get_all("Via") == [VIA]
        assert len(response.headers.get_all("Via")) == 1 + len(rest)


def test_only_invite_rings() -> None:
    assert context().is_invite
    assert not context(method="MESSAGE").is_invite


def test_pending_are_the_branches_without_answer() -> None:
    assert [branch.key.branch for branch in context(None, 486, None).pending()] == ["b0", "b2"]
