"""`offhook why` and `why` at the console, on a real phone."""

import json
import subprocess
from pathlib import Path

from tests.support.daemons import PhoneDaemon, own_command, running
from tests.support.processes import ROOT


def test_the_first_fault_of_a_fresh_phone_is_that_it_has_no_account(tmp_path: Path) -> None:
    phone = PhoneDaemon("phone", tmp_path)
    with running(phone):
        phone.call("settings.set", values={"audio.kind": "null"})
        where = ["--socket", str(phone.socket_path)]
        told = subprocess.run(own_command("why", *where), cwd=ROOT, capture_output=True, text=True, check=False)
        assert told.returncode == 1
        assert "First: there is no account." in told.stdout
        told = subprocess.run(
            own_command("--json", "why", *where), cwd=ROOT, capture_output=True, text=True, check=False
        )
        found = json.loads(told.stdout)
        assert found["first_fault"]["area"] == "registration"
    told = subprocess.run(own_command("why", *where), cwd=ROOT, capture_output=True, text=True, check=False)
    assert "the phone does not run" in told.stdout
