"""The location service (RFC 3261 section 10): which contacts an address of record has now."""

from collections.abc import Iterable

from device.model import Binding
from device.records import replace
from device.sip.errors import SipParseError
from device.sip.headers import NameAddr, parse_name_addr_list
from device.sip.timers import DeadlineHeap
from device.sip.uri import parse_uri


class LocationService:
    """Bindings by address of record, in memory; whoever owns it stores them. Times are Unix seconds.

    Of the `bindings` of before, from a store that others can write to, those with an unreadable contact are left out.
    """

    def __init__(self, bindings: Iterable[Binding] = ()) -> None:
        self._by_aor: dict[str, list[Binding]] = {}
        self._by_flow: dict[str, set[str]] = {}
        """The addresses that are bound to a flow, by where it comes from."""
        for binding in bindings:
            if _is_readable(binding):
                self._by_aor.setdefault(binding.aor, []).append(binding)
                self._note_flow(binding)
        self._ends: DeadlineHeap[str] = DeadlineHeap()
        """When the first contact of each address ends: with thousands of them nobody looks through all."""
        self._arm_all()

    def bindings(self, aor: str, unix_now: float) -> list[Binding]:
        """The contacts of `aor` that are valid at `unix_now`, the most preferred first."""
        valid = [binding for binding in self._by_aor.get(aor, ()) if binding.expires_at > unix_now]
        return sorted(valid, key=lambda binding: -binding.q)

    def drop_flow(self, source: str) -> list[str]:
        """Forget what is bound to a flow that is over (RFC 5626 section 5.3); answers whose it was."""
        changed = sorted(self._by_flow.get(source, ()))
        for aor in changed:
            bindings = self._by_aor[aor]
            self.replace(aor, [binding for binding in bindings if not binding.reg_id or binding.received != source])
        return changed

    def replace(self, aor: str, bindings: list[Binding]) -> None:
        """Let `bindings` be all the contacts of `aor`."""
        self._pop(aor)
        if bindings:
            self._by_aor[aor] = bindings
            for binding in bindings:
                self._note_flow(binding)
        self._arm(aor)

    def forget(self, aor: str) -> bool:
        """Drop all contacts of `aor`, also those that are just over; answers whether there were any."""
        self._ends.cancel(aor)
        return len(self._pop(aor)) > 0

    def _note_flow(self, binding: Binding) -> None:
        if binding.reg_id:
            self._by_flow.setdefault(binding.received, set()).add(binding.aor)

    def _pop(self, aor: str) -> list[Binding]:
        bindings = self._by_aor.pop(aor, [])
        for source in {binding.received for binding in bindings if binding.reg_id}:
            self._by_flow[source].discard(aor)
            if not self._by_flow[source]:
                del self._by_flow[source]
        return bindings

    def expire(self, unix_now: float) -> list[str]:
        """Forget what is over; answers the addresses that lost a contact by it."""
        changed = self._ends.pop_due(unix_now)
        for aor in changed:
            self.replace(aor, [binding for binding in self._by_aor[aor] if binding.expires_at > unix_now])
        return changed

    def shift(self, seconds: float) -> list[str]:
        """The clock was set ahead by so much: let every contact last as long as before; answers whose they are."""
        for aor, bindings in self._by_aor.items():
            self._by_aor[aor] = [replace(binding, expires_at=binding.expires_at + seconds) for binding in bindings]
        self._arm_all()
        return sorted(self._by_aor)

    def next_expiry(self) -> float | None:
        """When the next binding ends, in Unix seconds."""
        return self._ends.next_timeout()

    def everything(self) -> list[Binding]:
        """Every binding, by address."""
        return [binding for aor in sorted(self._by_aor) for binding in self._by_aor[aor]]

    def _arm_all(self) -> None:
        for aor in self._by_aor:
            self._arm(aor)

    def _arm(self, aor: str) -> None:
        self._ends.set(aor, min((binding.expires_at for binding in self._by_aor.get(aor, ())), default=None))


def _is_readable(binding: Binding) -> bool:
    try:
        path_of(binding)
        return parse_uri(binding.contact).is_sip
    except SipParseError:
        return False


def path_of(binding: Binding) -> list[NameAddr]:
    """The routes through which the contact is reached, none for most; raises SipParseError for what cannot be read."""
    return parse_name_addr_list([binding.path]) if binding.path else []
