"""The stand-ins serve wherever the package uses them; each use is one that runs in the daemon."""

from collections.abc import Callable

from device.annotations import Any, ClassVar, Final, Generic, Literal, NamedTuple, NewType, Protocol, TypeVar, cast
from device.records import dataclass

Item = TypeVar("Item")
Name = NewType("Name", str)
LIMIT: Final = 3


class Key(NamedTuple):
    """A named tuple with a method."""

    branch: str
    method: str

    def shown(self) -> str:
        return f"{self.method}/{self.branch}"


class Reader(Protocol):
    """An interface."""

    def read(self) -> bytes:
        """Something."""


class Shelf(Generic[Item]):
    """A class with a type parameter."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def first(self, otherwise: Item | None, test: Callable[[Item], Any] | None = None) -> Item | None:
        return next((item for item in self.items if test is None or test(item)), otherwise)


@dataclass(frozen=True, slots=True)
class Setting:
    """A record with a name of the class."""

    KIND: ClassVar[str] = "x"
    mode: Literal["on", "off"] = "on"


def test_named_tuples_are_tuples_with_names() -> None:
    key = Key("b1", method="INVITE")
    assert key == ("b1", "INVITE")
    assert (key.branch, key.shown(), hash(key)) == ("b1", "INVITE/b1", hash(("b1", "INVITE")))


def test_interfaces_and_type_parameters_are_plain_bases() -> None:
    class File(Reader):
        def read(self) -> bytes:
            return b"x"

    assert File().read() == b"x"
    assert Shelf[int]([1, 2]).first(None, lambda item: item > 1) == 2


def test_names_of_the_class_are_no_fields() -> None:
    assert Setting("off") == Setting(mode="off")
    assert Setting.KIND == "x"


def test_casts_and_new_types_change_nothing() -> None:
    value = cast("list[int]", "text")
    assert value == "text"
    assert Name("a") == "a"
