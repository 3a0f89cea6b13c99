"""Changes of the configuration that were typed and not yet committed. Pure."""

from device.annotations import Any

REPLACE = "replace"
"""What the phone takes for an account that begins anew."""


class Candidate:
    """What is to become of settings and accounts; `since` is the newest commit that was known at the first change."""

    __slots__ = ("accounts", "base", "passphrase", "sealed", "settings", "since")

    def __init__(self) -> None:
        self.settings: dict[str, str | None] = {}
        self.accounts: dict[str, dict[str, Any] | None] = {}
        self.base: int | None = None
        """The commit that all this is laid over; None for what holds now."""
        self.since = 0
        self.sealed = ""
        """Secrets of a file that was imported, which `passphrase` opens at the commit; "" until one was tried."""
        self.passphrase = ""

    def __bool__(self) -> bool:
        return bool(self.settings or self.accounts or self.base is not None or self.sealed)

    def clear(self) -> None:
        """Forget everything."""
        self.clear_plain()
        self.sealed = self.passphrase = ""

    def clear_plain(self) -> None:
        """Forget everything but sealed secrets."""
        self.settings.clear()
        self.accounts.clear()
        self.base = None
        self.since = 0

    def seal(self, text: str) -> None:
        """Sealed secrets of a file; those of a file before it are replaced."""
        self.sealed, self.passphrase = text, ""

    def roll_back(self, number: int) -> None:
        """What a commit held, and nothing else."""
        since = self.since
        self.clear()
        self.base, self.since = number, since

    def set_setting(self, key: str, value: str | None) -> None:
        """Another value, None for the default."""
        self.settings[key] = value

    def forget_setting(self, key: str) -> None:
        """A setting that only stands here, such as one of an imported file that there is not, is forgotten."""
        self.settings.pop(key, None)

    def set_account(self, name: str, field: str, value: object) -> None:
        """Another value of a field; an account that was deleted before begins anew."""
        fields = self.accounts.get(name)
        if fields is None:
            fields = {REPLACE: True} if name in self.accounts else {}
            self.accounts[name] = fields
        fields[field] = value

    def delete_account(self, name: str, exists: bool) -> None:
        """Remove an account; one that only stands here is forgotten."""
        if exists:
            self.accounts[name] = None
        else:
            self.accounts.pop(name, None)

    def params(self) -> dict[str, object]:
        """The parameters of config.changes and config.commit."""
        given: dict[str, object] = {"settings": self.settings, "accounts": self.accounts}
        return given if self.base is None else {**given, "from": self.base}
