"""Where a request goes that is for a user of ours, or for whom a redirection named (RFC 3261 section 16.5)."""

from collections.abc import Iterable
from itertools import groupby

from device.exchange.response_context import Stage, Target
from device.exchange.route_set import received_hop
from device.model import Binding
from device.sip.uri import parse_uri


def target_of(binding: Binding) -> Target:
    """The way to a phone."""
    return Target(parse_uri(binding.contact), received_hop(binding.received))


def stages_of(bindings: Iterable[Binding], ring_s: float) -> list[Stage]:
    """The contacts of a user, the most preferred first, in stages of equal preference.

    Those before the last one ring for `ring_s` seconds.
    """
    return stages_by_preference(((binding.q, target_of(binding)) for binding in bindings), ring_s)


def stages_by_preference(targets: Iterable[tuple[float, Target]], ring_s: float) -> list[Stage]:
    """Targets with their q, in stages of equal q, the highest first (section 16.6)."""
    ranked = sorted(targets, key=lambda one: -one[0])
    groups = [tuple(target for _, target in group) for _, group in groupby(ranked, key=lambda one: one[0])]
    return [Stage(group, ring_s if group is not groups[-1] else 0.0) for group in groups]
