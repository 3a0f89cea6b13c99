"""What the answers of servers mean."""

import pytest

from device.console.setup.explain import explain_registration


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"state": "registered", "status": 200}, "registered"),
        ({"state": "failed", "status": 401, "text": "Unauthorized"}, "does not accept user name and password (401"),
        ({"state": "failed", "status": 403, "text": ""}, "refuses this user (403)"),
        ({"state": "failed", "status": 404, "text": "Not Found"}, "does not know this user"),
        ({"state": "failed", "status": 408, "text": ""}, "did not answer in time"),
        ({"state": "failed", "status": 499, "text": "Odd"}, "refuses with 499 Odd"),
        (
            {"state": "failed", "status": 503, "text": "cannot reach the other side: no address found for pbx"},
            "the server is not found (no address found for pbx)",
        ),
        (
            {"state": "failed", "status": 503, "text": "cannot reach the other side: Connection refused"},
            "nothing listens at the server's address (Connection refused)",
        ),
        (
            {"state": "failed", "status": 503, "text": "cannot reach the other side: No route to host"},
            "the server cannot be reached (No route to host)",
        ),
        ({"state": "failed", "status": 503, "text": "Busy"}, "overloaded or switched off (503 Busy)"),
        ({"state": "registering", "status": 0, "text": "no address for pbx.example.com"}, "no address for pbx"),
        ({"state": "registering", "status": None, "text": None}, "no answer yet"),
        ({"state": "disabled", "status": 0}, "switched off"),
        ({"state": "off", "status": 0, "register": False}, "does not register"),
    ],
)
def test_the_first_line_says_it_all(account: dict[str, object], words: str) -> None:
    first, *rest = explain_registration(account)
    assert words in first
    assert rest or account["state"] in ("registered", "off")
