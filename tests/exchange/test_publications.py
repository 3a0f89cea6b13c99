from device.exchange.publications import MAX_OF_USER, Granted, Publications
from device.ids import CountingIds
from device.sip.incoming_request import Refusal
from device.sip.message import Request

PIDF = "application/pidf+xml"


def publish(publications: Publications, body: bytes, now: float = 0.0, **headers: str) -> Granted | Refusal:
    request = Request("PUBLISH", "sip:1002@pbx.lan")
    request.body = body
    for name, value in {
        "Content-Type": PIDF,
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }.items():
        request.headers.add(name, value)
    return publications.receive("1002", "presence", request, PIDF, now)


def tag_of(granted: Granted | Refusal) -> str:
    assert isinstance(granted, Granted)
    return granted.tag


def test_of_several_phones_the_latest_word_holds() -> None:
    publications = Publications(CountingIds())
    first = publish(publications, b"desk")
    second = publish(publications, b"door")
    assert publications.latest("1002", "presence") == b"door"
    refreshed = publish(publications, b"", SIP_If_Match=tag_of(first))
    assert publications.latest("1002", "presence") == b"door"
    publish(publications, b"", SIP_If_Match=tag_of(second), Expires="0")
    assert publications.latest("1002", "presence") == b"desk"
    publish(publications, b"desk, changed", SIP_If_Match=tag_of(refreshed))
    assert publications.latest("1002", "presence") == b"desk, changed"


def test_they_end_and_their_number_is_bounded() -> None:
    publications = Publications(CountingIds())
    for number in range(MAX_OF_USER):
        publish(publications, b"x%d" % number, Expires="60")
    refused = publish(publications, b"one more")
    assert isinstance(refused, Refusal)
    assert refused.status == 403
    assert publications.next_timeout() == 60.0
    assert publications.expire(60.0) == {("1002", "presence")}
    assert publications.latest("1002", "presence") is None


def test_they_go_with_the_user() -> None:
    publications = Publications(CountingIds())
    publish(publications, b"one")
    publish(publications, b"two")
    publications.forget_user("1002")
    assert publications.latest("1002", "presence") is None
    assert publications.next_timeout() is None


def test_one_request_means_one_publication() -> None:
    publications = Publications(CountingIds())
    tags = [tag_of(publish(publications, body)) for body in (b"one", b"two")]
    request = Request("PUBLISH", "sip:1002@pbx.lan")
    for tag in tags:
        request.headers.add("SIP-If-Match", tag)
    refused = publications.receive("1002", "presence", request, PIDF, 0.0)
    assert isinstance(refused, Refusal)
    assert refused.status == 400
