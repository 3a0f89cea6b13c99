"""What the phones for wide-band calls are started with."""

from pathlib import Path

import pytest

from tests.bench.caller import PCMU_OFFER, Caller
from tests.bench.registrar import Registrar
from tests.bench.wide_phones import WIDE_OFFERS, Linphone
from tests.support.fakecard.card import FakeCard


@pytest.fixture
def registrar():
    registrar = Registrar()
    yield registrar
    registrar._socket.close()


def linphone(folder: Path, user: str, registrar: Registrar) -> tuple[Linphone, str]:
    phone = Linphone(user, folder, FakeCard(Path("/nowhere.so"), folder / user), registrar, True)
    return phone, (folder / f"{user}-linphone" / "rc").read_text()


def test_two_of_linphone_share_no_port(tmp_path: Path, registrar: Registrar) -> None:
    _, first = linphone(tmp_path, "one", registrar)
    _, second = linphone(tmp_path, "two", registrar)
    ports = [
        line
        for text in (first, second)
        for line in text.splitlines()
        if line.startswith(("sip_port", "audio_rtp_port"))
    ]
    assert len(set(ports)) == 4


def test_linphone_answers_by_itself_and_registers_at_the_bench(tmp_path: Path, registrar: Registrar) -> None:
    phone, settings = linphone(tmp_path, "one", registrar)
    assert phone.auto_answer
    assert f"reg_proxy=<sip:{registrar.address};transport=udp>" in settings


def test_each_codec_is_offered_with_what_explains_it() -> None:
    for offer in WIDE_OFFERS.values():
        numbers = offer[0].split()
        assert all(any(line.startswith(f"a=rtpmap:{number} ") for line in offer[1:]) for number in numbers)


def test_a_caller_offers_what_it_is_told_to() -> None:
    with Caller("x", 9) as plain, Caller("x", 9, offer=WIDE_OFFERS["OPUS"]) as wide:
        assert plain._offer == PCMU_OFFER
        assert wide._offer[0] == "96"
