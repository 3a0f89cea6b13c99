"""The quick part of the interop suite, which runs in every ./test: one call with SIPp, one with baresip."""

from device.demo.measure import read_wav
from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, CALLER_WAV, ExchangeDaemon, running
from tests.support.processes import HOST
from tests.support.sound import GOOD_CORRELATION, SETTLE_BYTES, TALK_S, search, write_repeated

PASSWORDS = {"1001": f"first-{CANARY}", "1002": f"second-{CANARY}"}


def test_sipp_calls_the_phone(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on"})
    sipp = play("call", f"{HOST}:{phone.port}", target=phone.target, pause_ms=100)
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("connected")
    phone.expect_state("busy-tone")
    sipp.succeed()


def test_the_phone_calls_baresip_through_the_exchange(tmp_path, start_phone) -> None:
    exchange = ExchangeDaemon(tmp_path, PASSWORDS)
    with running(exchange):
        phone = start_phone(name="1001")
        phone.add_account(exchange.address, "1001", PASSWORDS["1001"])
        phone.expect_registration("registered")
        speech = write_repeated(CALLEE_WAV, tmp_path / "long.wav", 6)
        baresip = Baresip("1002", PASSWORDS["1002"], exchange.address, tmp_path, speech)
        with running(baresip):
            phone.place("1002")
            baresip.expect("CALL_INCOMING")
            baresip.command("accept")
            phone.expect_state("connected")
            heard = phone.listen(TALK_S)[SETTLE_BYTES:]
            phone.call("call.hangup")
            baresip.expect("CALL_CLOSED")
            assert search(read_wav(CALLEE_WAV, 0.0).pcm, heard) > GOOD_CORRELATION
            assert search(read_wav(CALLER_WAV, 0.0).pcm, baresip.heard()) > GOOD_CORRELATION
