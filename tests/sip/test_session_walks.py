"""A peer and an owner that do anything at any time: the phone never stumbles, and always comes to rest."""

import re
from collections.abc import Callable
from random import Random

import pytest

from device.model import CallId
from device.sip.errors import SipStateError
from device.sip.events import CallEnded, CallEstablished, IncomingCall
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import CALL, Bench

WALKS = 600
BATCH = 100
STEPS = 40
TAGS = ("one", "two")
ALLOWS = ("INVITE, ACK, BYE, CANCEL", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK")
STATUSES = (100, 180, 183, 183, 199, 200, 200, 200, 302, 404, 408, 422, 481, 486, 488, 491, 500, 503)


class Walk:
    """One call, walked through by the dice."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.bench = Bench(UserAgentSettings(session_expires_s=90, reliable_ringing=seed % 2 == 0))
        self.call_id = CALL if seed % 3 else CallId("in-1")
        self.asked: list[Request] = []
        self.answered: list[Response] = []
        self.cseq = 1
        self.described = 0
        self.told: list[object] = []
        if seed % 3:
            self.bench.agent.invite(CALL, "192.0.2.2", self.sdp(), None, 0.0)
        else:
            self.bench.request("INVITE", body=self.sdp(), branch="z9hG4bK-first", **self.headers())

    def sdp(self) -> bytes:
        self.described += 1
        return b"" if self.random.random() < 0.3 else f"v=0 {self.described}".encode()

    def headers(self) -> dict[str, str]:
        chance = self.random.random
        headers = {
            "Allow": self.random.choice(ALLOWS),
            "Contact": f"<sip:bob@192.0.2.2:{self.random.randint(5060, 5070)}>",
        }
        if chance() < 0.4:
            headers["Require"] = "100rel"
        if chance() < 0.4:
            headers["Session-Expires"] = self.random.choice(("90", "90;refresher=uac", "60", "90;refresher=uas", "x"))
        if chance() < 0.4:
            headers["Supported"] = "timer, 100rel"
        return headers

    def collect(self) -> None:
        self.told += self.bench.events()
        for message in self.bench.sent():
            if isinstance(message, Request):
                self.asked.append(message)
            elif message.cseq.method == "INVITE" and message.to.tag:
                self.answered.append(message)

    def step(self) -> None:
        self.random.choice(
            (self.reply, self.reply, self.reply, self.ask, self.ask, self.ask, self.own, self.own, self.wait)
        )()
        self.collect()

    def reply(self) -> None:
        requests = [one for one in self.asked if one.method != "ACK"][-4:]
        if not requests:
            return
        request = self.random.choice(requests)
        headers = self.headers() | {"RSeq": str(self.random.randint(1, 4)), "Min-SE": self.random.choice(("90", "300"))}
        tag = self.random.choice(TAGS)
        self.bench.reply(request, self.random.choice(STATUSES), tag=tag, body=self.sdp(), **headers)

    def ask(self) -> None:
        """A request within one of the dialogs, or something that only looks like it."""
        self.cseq += self.random.choice((0, 1, 1, 1))
        method = self.random.choice(
            ("INVITE", "UPDATE", "UPDATE", "PRACK", "PRACK", "ACK", "ACK", "BYE", "CANCEL", "INFO")
        )
        rseq = next((one.headers.get("RSeq") for one in reversed(self.answered) if one.headers.get("RSeq")), "1")
        headers = self.headers() | ({"RAck": f"{rseq} 1 INVITE"} if method == "PRACK" else {})
        branch = "z9hG4bK-first" if method == "CANCEL" else ""
        cseq = self.random.choice((1, self.cseq)) if method == "ACK" else self.cseq
        if self.answered:
            last = self.answered[-1]
            to, from_, call_id = str(last.to), str(last.from_), last.call_id
        elif self.asked:
            first = self.asked[0]
            to, call_id = str(first.from_), first.call_id
            from_ = str(first.to.with_tag(self.random.choice(TAGS)))
        else:
            return
        if method == "BYE" and self.random.random() < 0.7:
            return
        self.bench.request(
            method, to=to, from_=from_, call_id=call_id, cseq=cseq, body=self.sdp(), branch=branch, **headers
        )

    def own(self) -> None:
        agent, name, now = self.bench.agent, self.call_id, self.bench.now
        wishes: list[Callable[[], None]] = [
            lambda: agent.ring(name, now),
            lambda: agent.progress(name, b"v=0 early", now),
            lambda: agent.answer(name, self.sdp(), now),
            lambda: agent.reoffer(name, self.sdp(), now),
            lambda: agent.reoffer(name, self.sdp(), now),
            lambda: agent.accept_offer(name, self.sdp(), now),
            lambda: agent.accept_offer(name, self.sdp(), now),
            lambda: agent.refuse_offer(name, 488, now),
            lambda: agent.retarget_calls(now),
        ]
        if self.random.random() < 0.05:
            wishes = [lambda: agent.hang_up(name, now), lambda: agent.reject(name, 486, now)]
        try:
            self.random.choice(wishes)()
        except SipStateError as error:
            # The owner may be wrong about where the call stands, but nothing may get out of step by it.
            if not re.fullmatch(r"call \S+: \w+Requested is out of place while .*", str(error)):
                raise

    def wait(self) -> None:
        self.bench.advance(self.random.choice((0.0, 0.5, 2.0, 5.0, 40.0)))


def walk(seed: int) -> Walk:
    one = Walk(seed)
    one.collect()
    for _ in range(STEPS):
        one.step()
    one.bench.agent.hang_up(one.call_id, one.bench.now)
    one.bench.advance(300.0)
    one.collect()
    kinds = [type(event) for event in one.told]
    begun = one.call_id == CALL or IncomingCall in kinds
    assert kinds.count(CallEnded) == begun, "the owner is told of the end once"
    assert one.told and kinds[-1] is CallEnded if begun else True
    assert one.bench.agent.is_idle
    return one


@pytest.mark.parametrize("first", range(0, WALKS, BATCH))
def test_any_walk_comes_to_rest(first: int) -> None:
    established = 0
    for seed in range(first, first + BATCH):
        try:
            done = walk(seed)
        except Exception as error:
            raise AssertionError(f"walk {seed}: {error!r}") from error
        established += any(isinstance(event, CallEstablished) for event in done.told)
    assert established > BATCH // 8
