"""What the answer of a server means, in words, and what to do about it. Pure."""

from collections.abc import Mapping

from device.annotations import Any

_MEANINGS: dict[int, tuple[str, str]] = {
    401: ("the server does not accept user name and password", "type the password anew; mind capital letters"),
    403: ("the server refuses this user", "wrong password, user locked, or registration from here is not allowed"),
    404: (
        "the server does not know this user",
        "check the user name, and that the domain is one the server answers for",
    ),
    406: ("the server takes no registration of this kind", "choose another kind of server in `setup account`"),
    407: ("a proxy does not accept user name and password", "type the password anew; mind capital letters"),
    408: ("the server did not answer in time", "check its address, the network, and that its port is open"),
    423: ("the registration is too short for the server", "set account NAME expires_s 3600"),
    480: ("the server cannot take registrations at the moment", "wait; the phone tries again by itself"),
    500: ("the server has a fault of its own", "look into the log of the server"),
    502: ("a proxy cannot reach the server", "check the domain and the outbound proxy"),
    503: ("the server is overloaded or switched off", "wait; the phone tries again by itself"),
    504: ("a proxy got no answer from the server", "check the server"),
}

UNREACHABLE = "cannot reach the other side: "
"""What the phone itself says in place of an answer, with the reason behind it; it counts as 503."""

NO_NAME_WORDS = ("no address", "cannot be resolved", "name server", "resolve")
"""In the reason of a registration that failed because of DNS."""

REFUSED_WORDS = "connection refused"


def is_about_names(text: object) -> bool:
    """Whether the text of a registration that failed speaks of DNS."""
    return any(word in str(text or "").lower() for word in NO_NAME_WORDS)


def explain_registration(account: Mapping[str, Any]) -> list[str]:
    """State, reason and remedy of an account as `account.show` has it; the first line says it all."""
    state, status, text = str(account.get("state")), int(account.get("status") or 0), str(account.get("text") or "")
    if state == "registered":
        return ["registered"]
    if state == "disabled":
        return ["the account is switched off", "switch it on: set account NAME enabled on"]
    if not account.get("register", True):
        return ["the account does not register; calls from here work, calls to here need its address"]
    if text.startswith(UNREACHABLE):
        return _unreachable(str(account.get("id") or "NAME"), text.removeprefix(UNREACHABLE))
    if status in _MEANINGS:
        meaning, remedy = _MEANINGS[status]
        return [f"{meaning} ({status}{f' {text}' if text else ''})", remedy]
    if status:
        return [f"the server refuses with {status}{f' {text}' if text else ''}", "look into the log of the server"]
    if text:
        return [f"no answer yet: {text}", "check the address of the server, the name server and the network cable"]
    return ["no answer yet", "check the address of the server and the network cable"]


def _unreachable(name: str, reason: str) -> list[str]:
    """No answer of a server at all: the request did not even leave, or was turned away on its way."""
    if is_about_names(reason):
        return [f"the server is not found ({reason})", f"is its name spelt right? `test dns {name}` shows each look-up"]
    if REFUSED_WORDS in reason.lower():
        return [
            f"nothing listens at the server's address ({reason})",
            "is the server running, and are its port and transport right?",
        ]
    return [f"the server cannot be reached ({reason})", "check its address, the cable and the gateway: `show network`"]
