"""What runs on the emulated Raspberry Pi 3: the original RPi.GPIO, alone, under our driver, and under the whole phone.

Talks over the serial console: says a fact as one line of JSON behind WORD, and waits for the host's line after each.
"""

import json
import socket
import subprocess
import sys
import time

WORD = "BOARD "
LINES = {"ringer": 18, "registered": 22, "door": 25, "message": 27}
"""The outputs of the test, by BCM number; as in raspi3b_outputs.toml."""

HOOK = 17
SOCKET = "/run/offhook.sock"
STORE = "/var/lib/offhook.db"
PROFILES = "/opt/tests/board"

INVITE = """\
INVITE sip:offhook@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKraspi;rport
Max-Forwards: 70
From: <sip:bench@127.0.0.1:5999>;tag=raspi
To: <sip:offhook@127.0.0.1>
Call-ID: raspi3b
CSeq: 1 INVITE
Contact: <sip:bench@127.0.0.1:5999>
Content-Type: application/sdp
Content-Length: {length}

{body}"""

OFFER = """\
v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 40000 RTP/AVP 0
"""


def say(step: str, **facts: object) -> None:
    """Say a fact."""
    sys.stdout.write(WORD + json.dumps({"step": step, **facts}) + "\n")
    sys.stdout.flush()


def tell(step: str, **facts: object) -> None:
    """Say a fact and wait until the host has seen to it."""
    say(step, **facts)
    sys.stdin.readline()


def drive_alone() -> None:
    """RPi.GPIO and nothing else."""
    from RPi import GPIO  # noqa: PLC0415  # on the board only

    tell("library", version=GPIO.VERSION, board=GPIO.RPI_INFO, file=GPIO.__file__)
    GPIO.setmode(GPIO.BCM)
    for name, pin in LINES.items():
        GPIO.setup(pin, GPIO.OUT, initial=GPIO.LOW)
        for level in (1, 0):
            GPIO.output(pin, level)
            tell("output", name=name, pin=pin, level=level, read_back=GPIO.input(pin))
    GPIO.setup(HOOK, GPIO.IN)
    levels = []
    for _ in range(3):
        tell("move-input", pin=HOOK)
        levels.append(GPIO.input(HOOK))
    complaint = ""
    try:
        GPIO.add_event_detect(HOOK, GPIO.BOTH)
    except RuntimeError as error:
        complaint = str(error)
    GPIO.cleanup()
    tell("input", levels=levels, edges=complaint)


def drive_board() -> None:
    """Lamp, relay and ringer of a board profile, by our driver over that library."""
    from device.hardware.board import Board  # noqa: PLC0415
    from device.hardware.profile import BoardProfile  # noqa: PLC0415
    from device.hardware.rpi_chip import RpiChip  # noqa: PLC0415

    board = Board(BoardProfile.load(f"{PROFILES}/raspi3b_outputs.toml"), RpiChip())
    tell("board-open")
    board.lamp("registered").show("on", time.monotonic())
    tell("lamp-on")
    board.relay("door").pulse(0.5, time.monotonic())
    tell("relay-on")
    while (deadline := board.next_timeout()) is not None:
        time.sleep(max(0.0, deadline - time.monotonic()))
        board.handle_timeout(time.monotonic())
    tell("relay-off")
    board.ringer.start("default", time.monotonic())
    tell("ringer-on")
    board.close()
    tell("board-closed")


def run_phone() -> None:
    """The whole phone, called from this machine itself, so that its ringer rings."""
    phone = start_phone("raspi3b_outputs.toml", "/run/phone.log")
    wait_for_socket(phone, "/run/phone.log")
    tell("phone-up", board=ask("board", "show", "--json"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind(("127.0.0.1", 5999))
        caller.settimeout(120)
        body = OFFER.replace("\n", "\r\n")
        request = INVITE.replace("\n", "\r\n").format(length=len(body), body=body)
        caller.sendto(request.encode(), ("127.0.0.1", 5060))
        answers = [caller.recv(4096).split(b"\r\n", 1)[0].decode()]
        while not answers[-1].startswith("SIP/2.0 180"):
            answers.append(caller.recv(4096).split(b"\r\n", 1)[0].decode())
        tell("ringing", answers=answers, status=ask("status"))
    # Killed in the middle of a ring, it leaves the line as it is; `board safe` is what the guard then does.
    phone.kill()
    phone.wait()
    tell("killed")
    done = subprocess.run(offhook("board", "safe", "--store", STORE), capture_output=True, text=True, check=False)
    tell("safe", status=done.returncode, said=done.stdout + done.stderr)


def miss_hook() -> None:
    """A hook switch needs edges, which this library cannot have here: the phone runs without its board and says why."""
    phone = start_phone("raspi3b_hook.toml", "/run/hook.log")
    wait_for_socket(phone, "/run/hook.log")
    tell("hook-missed", status=ask("status"))
    phone.terminate()
    tell("hook-ended", status=phone.wait())


def wait_for_socket(phone: "subprocess.Popen[bytes]", log: str) -> None:
    """Wait until a phone can be asked. Raises RuntimeError with its log if it ends before."""
    while not ask("status"):
        if phone.poll() is not None:
            with open(log) as file:
                raise RuntimeError(f"the phone has ended: {file.read()}")


def offhook(*words: str) -> list[str]:
    return [sys.executable, "-m", "device.cli", *words]


def ask(*words: str) -> str:
    return subprocess.run(offhook(*words, "--socket", SOCKET), capture_output=True, text=True, check=False).stdout


def start_phone(profile: str, log: str) -> "subprocess.Popen[bytes]":
    settings = [f"hardware.board={PROFILES}/{profile}", "audio.kind=null", "sip.bind_address=127.0.0.1"]
    words = ["run", "--store", STORE, "--socket", SOCKET]
    for setting in settings:
        words += ["--set", setting]
    with open(log, "wb") as file:
        return subprocess.Popen(offhook(*words), stdout=file, stderr=file, cwd="/run")


if __name__ == "__main__":
    try:
        drive_alone()
        drive_board()
        run_phone()
        miss_hook()
    except Exception as error:
        tell("failed", why=f"{type(error).__name__}: {error}")
    say("end")
