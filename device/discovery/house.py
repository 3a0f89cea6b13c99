"""The boards of a house as its exchange knows them: numbers, and what each has to prove to come again. Pure."""

from collections.abc import Mapping

from device import plain_logging as logging
from device.annotations import Any
from device.discovery.agreement import public_key, shared_password
from device.discovery.announcement import ID
from device.records import dataclass
from device.sip.digest import ha1

_log = logging.getLogger(__name__)

EVERYBODY = "10"
"""Whoever calls this number calls all other boards of the house."""
FIRST_NUMBER, LAST_NUMBER = 11, 99
PROOF_PURPOSE = "offhook house proof"


def proof_of(password: str, key: str) -> str:
    """What shows that a board knows the password of its last enrolment; good for this key alone."""
    return ha1("SHA-256", PROOF_PURPOSE, key, password)


@dataclass(frozen=True, slots=True)
class Member:
    """A board that has enrolled."""

    number: str
    password: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a board is told; `refusal` says why not, in words."""

    number: str = ""
    key: str = ""
    refusal: str = ""


class House:
    """Gives each board a number, the same as before, and agrees with it on a password.

    A board that has enrolled before must prove that it is the same, so that no stranger takes its number over.
    """

    def __init__(self, own_id: str, members: Mapping[str, Member]) -> None:
        self._own_id = own_id
        self.members = dict(members)
        self.present: set[str] = set()
        """Those that have enrolled since this board took office."""

    def enrol(self, board_id: str, key: str, proof: str, secret: int) -> Enrolment:
        """Take a board in; `secret` is a fresh secret number."""
        if not ID.fullmatch(board_id):
            return Enrolment(refusal="that is no id of a board")
        password = shared_password(secret, key, self._own_id, board_id)
        if password is None:
            return Enrolment(refusal="that is no key")
        known = self.members.get(board_id)
        if known is not None and proof != proof_of(known.password, key):
            _log.warning("a board that calls itself %s, but cannot prove it, is refused", board_id)
            return Enrolment(refusal=f"{board_id} is known and cannot be proved: `offhook discovery forget {board_id}`")
        number = known.number if known is not None else self._free_number()
        if not number:
            return Enrolment(refusal="every number of this house is taken")
        self.members[board_id] = Member(number, password)
        self.present.add(board_id)
        return Enrolment(number, public_key(secret))

    def _free_number(self) -> str:
        taken = {member.number for member in self.members.values()}
        return next((str(n) for n in range(FIRST_NUMBER, LAST_NUMBER + 1) if str(n) not in taken), "")

    def as_json(self) -> dict[str, list[str]]:
        """For the file."""
        return members_as_json(self.members)


def members_as_json(members: dict[str, Member]) -> dict[str, list[str]]:
    """For a file."""
    return {board_id: [member.number, member.password] for board_id, member in members.items()}


def read_members(values: Any) -> dict[str, Member]:
    """What `members_as_json` gave; whatever is not of that form is left out."""
    if not isinstance(values, dict):
        return {}
    return {
        board_id: Member(value[0], value[1])
        for board_id, value in values.items()
        if ID.fullmatch(board_id)
        and isinstance(value, list)
        and len(value) == 2
        and all(isinstance(one, str) for one in value)
    }
