"""`offhook exchange text`: texts that wait for users who are away; how many, never what they say."""

from device.annotations import Final
from device.daemon.exchange_commands import Action, Desk, take_words
from device.daemon.exchange_tables import answer
from device.daemon.options import UsageError
from device.store.texts import Texts


def _list(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("text list", words)
    counts = Texts(desk.database, desk.domain).counts(desk.unix_now)
    text = "".join(f"{user}  {count}\n" for user, count in counts.items()) or "no text waits for anybody\n"
    rows = [{"user": user, "waiting": count} for user, count in counts.items()]
    return answer("texts", rows, desk.form, text)


def _drop(desk: Desk, words: tuple[str, ...]) -> str:
    (user,) = take_words("text drop", words, "a user")
    shelf = Texts(desk.database, desk.domain)
    texts = shelf.of(user, 0.0)
    if not texts:
        raise UsageError(f"no text waits for {user}: `offhook exchange text list` shows for whom some do")
    for text in texts:
        shelf.remove(text.number)
    return f"{len(texts)} text(s) for {user} are gone\n"


ACTIONS: Final[dict[str, Action]] = {"text list": _list, "text drop": _drop}
