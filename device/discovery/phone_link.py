"""The phone of this board, by its control socket: what discovery asks of it and sets up there."""

from device.annotations import Any
from device.control.client import ControlClient
from device.control.errors import ControlError
from device.discovery.house import EVERYBODY
from device.discovery.rule import HOUSE_ACCOUNT
from device.records import dataclass

HOTLINE_DELAY_S = 5
"""Who lifts a handset without keypad or dial waits so long before everybody rings."""
LIFETIME_S = 120
"""Registrations in a house are short: an exchange that is another one now is noticed soon."""


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """What discovery needs to know of the phone."""

    id: str
    """Sixteen hexadecimal digits of its instance id, which every start finds again."""
    accounts: tuple[str, ...]


class PhoneLink:
    """Asks and tells the phone that listens at `path`; every method raises ControlError."""

    def __init__(self, path: str) -> None:
        self._client = ControlClient(path)

    def facts(self) -> PhoneFacts:
        """Who the phone is, and which accounts it has."""
        status = self._ask("status")
        digits = str(status.get("instance", "")).rpartition(":")[2].replace("-", "")
        accounts = status.get("accounts") or []
        return PhoneFacts(digits[:16], tuple(str(account["id"]) for account in accounts))

    def join(self, number: str, domain: str, server: str, password: str) -> None:
        """Register at the exchange of the house; `server` is host:port."""
        fields = {
            "user": number,
            "domain": domain,
            "registrar": server,
            "outbound_proxy": server,
            "password": password,
            "expires_s": LIFETIME_S,
            "display_name": f"Phone {number}",
        }
        exists = HOUSE_ACCOUNT in self.facts().accounts
        self._ask("account.update" if exists else "account.add", id=HOUSE_ACCOUNT, **fields)
        self._give_buttons_a_target()

    def leave(self) -> None:
        """Forget the house, with what its buttons called."""
        if HOUSE_ACCOUNT in self.facts().accounts:
            self._ask("account.remove", id=HOUSE_ACCOUNT)
        wanted = self._wanted()
        ours = {key: None for key, value in wanted.items() if self._setting(key) == value}
        if ours:
            self._ask("settings.set", values=ours)

    def _give_buttons_a_target(self) -> None:
        """Buttons call everybody, where nobody has said what they call."""
        wanted = self._wanted()
        if wanted and all(not self._setting(key) for key in wanted if key != "phone.hotline_delay_s"):
            self._ask("settings.set", values=wanted)

    def _wanted(self) -> dict[str, str]:
        lines = [str(line["name"]) for line in self._ask("board.show").get("lines") or []]
        buttons = [name.partition(".")[2] for name in lines if name.startswith("button.")]
        wanted = {}
        if buttons:
            wanted["phone.button_targets"] = ",".join(f"{name}={EVERYBODY}" for name in buttons)
        can_dial = any(name.startswith(("keypad", "row", "column", "dial", "pulse")) for name in lines)
        if not can_dial and "hook" in lines:
            wanted |= {"phone.hotline": EVERYBODY, "phone.hotline_delay_s": str(HOTLINE_DELAY_S)}
        return wanted

    def _setting(self, key: str) -> str:
        return str(self._ask("settings.get", key=key).get("value") or "")

    def _ask(self, method: str, **params: object) -> dict[str, Any]:
        answer = self._client.call(method, **params)
        if not isinstance(answer, dict):
            raise ControlError(0, f"the phone's answer to {method} is not understood: is it of another version?")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
