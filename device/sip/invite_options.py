"""What may be said about a call of ours besides whom it is for."""

from device.records import dataclass


@dataclass(frozen=True, slots=True)
class InviteOptions:
    """`privacy` is that of `Account.privacy`: "id", "full", "none", or "" for what the account says."""

    privacy: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Further header fields of the INVITE, such as Replaces (RFC 3891) and Referred-By (RFC 3892)."""
