"""For how long answers of DNS hold, what is served after that, and the text in which they outlive the process."""

import pytest

from device.net import dns_cache
from device.net.dns_cache import DnsCache, decode_answer, encode_answer
from device.net.dns_message import AAAA, CNAME, NAPTR, SRV, A, Naptr, RecordData, Srv
from device.net.server_location import Question

PBX = Question("pbx.example", A)


@pytest.mark.parametrize(
    ("ttl_s", "lifetime"),
    [(300, 300), (0, dns_cache.MIN_TTL_S), (10**9, dns_cache.MAX_TTL_S), (None, dns_cache.MIN_TTL_S)],
)
def test_an_answer_holds_for_its_time_to_live(ttl_s: float | None, lifetime: float) -> None:
    cache = DnsCache()
    cache.put(PBX, ("192.0.2.7",), ttl_s, 1000.0)
    assert cache.fresh(PBX, 1000.0 + lifetime - 0.1) == ("192.0.2.7",)
    assert cache.fresh(PBX, 1000.0 + lifetime) is None
    assert cache.stale(PBX, 1000.0 + lifetime + dns_cache.MAX_STALE_S - 0.1) == ("192.0.2.7",)
    assert cache.stale(PBX, 1000.0 + lifetime + dns_cache.MAX_STALE_S) is None


@pytest.mark.parametrize(
    ("ttl_s", "lifetime"),
    [
        (20, 20),
        (0, dns_cache.MIN_NEGATIVE_TTL_S),
        (10_800, dns_cache.MAX_NEGATIVE_TTL_S),
        (None, dns_cache.DEFAULT_NEGATIVE_TTL_S),
    ],
)
def test_that_there_is_nothing_holds_for_a_short_time(ttl_s: float | None, lifetime: float) -> None:
    cache = DnsCache()
    cache.put(PBX, (), ttl_s, 1000.0)
    assert cache.fresh(PBX, 1000.0 + lifetime - 0.1) == ()
    assert cache.fresh(PBX, 1000.0 + lifetime) is None


def test_what_is_not_known_is_not_answered() -> None:
    cache = DnsCache()
    assert cache.fresh(PBX, 1.0) is cache.stale(PBX, 1.0) is None
    assert not cache.has_failed(PBX, 1.0)


def test_after_a_failure_the_servers_are_left_alone_for_a_while() -> None:
    cache = DnsCache()
    cache.put_failure(PBX, 100.0)
    assert cache.has_failed(PBX, 104.9)
    assert not cache.has_failed(PBX, 105.0)
    cache.put(PBX, ("192.0.2.7",), 60, 200.0)
    assert not cache.has_failed(PBX, 200.0)
    cache.put_failure(PBX, 300.0)
    assert cache.has_failed(PBX, 329.9)
    assert cache.stale(PBX, 329.9) == ("192.0.2.7",)
    cache.forget_failures()
    assert not cache.has_failed(PBX, 300.0)


def test_an_answer_of_an_earlier_run_is_stale_and_replaces_nothing() -> None:
    cache = DnsCache()
    cache.restore(PBX, ("192.0.2.7",), 10.0)
    assert cache.fresh(PBX, 10.0) is None
    assert cache.stale(PBX, 10.0) == ("192.0.2.7",)
    cache.put(PBX, ("192.0.2.8",), 60, 10.0)
    cache.restore(PBX, ("192.0.2.7",), 10.0)
    assert cache.fresh(PBX, 10.0) == ("192.0.2.8",)


def test_answers_and_failures_are_bounded_and_the_oldest_goes() -> None:
    cache = DnsCache()
    names = [Question(f"h{number}.example", A) for number in range(dns_cache.MAX_ANSWERS + 1)]
    cache.put(names[0], ("192.0.2.7",), 60, 0.0)
    cache.put(names[1], ("192.0.2.7",), 60, 0.0)
    cache.put(names[0], ("192.0.2.7",), 60, 0.0)
    for name in names[2:]:
        cache.put(name, ("192.0.2.7",), 60, 0.0)
    assert len(cache) == dns_cache.MAX_ANSWERS
    assert cache.fresh(names[1], 1.0) is None
    assert cache.fresh(names[0], 1.0)
    for name in [*names, Question("x.example", A)]:
        cache.put_failure(name, 0.0)
    assert not cache.has_failed(names[0], 1.0)
    assert cache.has_failed(names[2], 1.0)


ANSWERS: list[tuple[int, tuple[RecordData, ...]]] = [
    (A, ("192.0.2.7", "192.0.2.8")),
    (AAAA, ("2001:db8::7",)),
    (CNAME, ("pbx.example",)),
    (SRV, (Srv(10, 60, 5060, "a.example"), Srv(20, 0, 0, ""))),
    (NAPTR, (Naptr(50, 10, "S", "SIP+D2U", "", "_sip._udp.example"), Naptr(51, 10, "U", "E2U+SIP", "", ""))),
]


@pytest.mark.parametrize(("kind", "answer"), ANSWERS)
def test_an_answer_survives_as_text(kind: int, answer: tuple[RecordData, ...]) -> None:
    text = encode_answer(answer)
    assert decode_answer(kind, text) == answer
    assert encode_answer(tuple(reversed(answer))) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (SRV, "1 2 3"),
        (SRV, "a 2 3 x"),
        (SRV, ""),
        (NAPTR, "1 x S SIP+D2U y"),
        (A, "192.0.2.7 x"),
        (A, ""),
        (16, "text"),
    ],
)
def test_text_that_cannot_be_read_is_no_answer(kind: int, text: str) -> None:
    assert decode_answer(kind, text) == ()
