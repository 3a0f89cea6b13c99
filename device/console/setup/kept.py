"""What the wizard has found goes into the configuration at once, as a commit of its own."""

from device.annotations import Any
from device.console.shell import Shell


def value_of(shell: Shell, key: str) -> str:
    """A setting as it is now."""
    return str(shell.ask("settings.get", key=key)["value"])


def keep(
    shell: Shell, comment: str, settings: dict[str, str] | None = None, accounts: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Commit what differs from what holds; answers what `config.commit` does. Raises ControlError with the faults."""
    changed = {key: value for key, value in (settings or {}).items() if value_of(shell, key) != value}
    if not changed and not accounts:
        return {"number": 0, "changed": [], "restart": [], "registering": []}
    answer = shell.ask(
        "config.commit",
        settings=changed,
        accounts=dict(accounts or {}),
        author=shell.author,
        comment=f"setup: {comment}",
    )
    if answer["number"]:
        shell.say(f"  kept: {', '.join(answer['changed'])}")
    return answer
