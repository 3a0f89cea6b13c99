"""Our records behave as the standard library's dataclasses do, as far as they go."""

import copy
import dataclasses
import pickle
from types import ModuleType
from typing import Any, ClassVar

import pytest

from device import records


@pytest.fixture(params=[records, dataclasses], ids=["records", "dataclasses"])
def library(request: pytest.FixtureRequest) -> Any:
    """Each test is asked of both, so that it states what they share."""
    return request.param


def _point(library: ModuleType, **options: bool) -> Any:
    class Point:
        x: int
        y: int = 2
        UNIT: ClassVar[str] = "mm"

        @property
        def sum(self) -> int:
            return self.x + self.y

    return library.dataclass(**options)(Point)


@pytest.fixture(params=[{}, {"frozen": True}, {"slots": True}, {"frozen": True, "slots": True}], ids=str)
def point(request: pytest.FixtureRequest, library: Any) -> Any:
    return _point(library, **request.param)


def test_fields_are_given_by_place_or_name(point: Any) -> None:
    assert (point(1).x, point(1).y) == (1, 2)
    assert (point(1, y=5).y, point(x=3).x) == (5, 3)
    assert point(1, 2).sum == 3
    assert point.UNIT == "mm"


@pytest.mark.parametrize(("arguments", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((1,), {"x": 1})])
def test_arguments_that_do_not_fit_are_refused(point: Any, arguments: tuple[int, ...], named: dict[str, int]) -> None:
    for _ in range(2):  # the first record of a class is made another way than the rest
        with pytest.raises(TypeError):
            point(*arguments, **named)


def test_records_are_equal_by_value_within_their_class(point: Any, library: Any) -> None:
    assert point(1) == point(1, 2)
    assert point(1) != point(2)
    assert point(1) != (1, 2)
    assert point(1) != _point(library)(1)


def test_a_record_shows_its_fields(point: Any) -> None:
    assert repr(point(1)).endswith("Point(x=1, y=2)")


def test_a_record_is_matched_by_place(point: Any) -> None:
    match point(1):
        case point(x, y):
            assert (x, y) == (1, 2)
    assert point.__match_args__ == ("x", "y")


def test_a_copy_may_differ(library: Any, point: Any) -> None:
    record = point(1)
    assert library.replace(record, y=9) == point(1, 9)
    assert record.y == 2
    with pytest.raises(TypeError):
        library.replace(record, z=1)


def test_the_fields_can_be_listed(library: Any, point: Any) -> None:
    for of in (point, point(1)):
        assert [item.name for item in library.fields(of)] == ["x", "y"]
    assert library.fields(point)[1].default == 2
    assert str(library.fields(point)[0].type) in ("int", "<class 'int'>")


@pytest.mark.parametrize("slots", [False, True])
def test_a_frozen_record_cannot_be_changed_and_can_be_a_key(library: Any, slots: bool) -> None:
    point = _point(library, frozen=True, slots=slots)
    record = point(1)
    with pytest.raises(AttributeError):
        record.x = 5
    with pytest.raises(AttributeError):
        del record.x
    assert {record: "here"}[point(1)] == "here"
    assert hash(record) == hash(point(1))


def test_a_record_that_can_change_cannot_be_a_key(library: Any) -> None:
    record = _point(library)(1)
    record.x = 7
    assert record == _point_like(record)
    with pytest.raises(TypeError):
        hash(record)


def _point_like(record: Any) -> Any:
    return type(record)(record.x, record.y)


def test_slots_leave_no_room_for_more(library: Any) -> None:
    record = _point(library, slots=True)(1)
    assert not hasattr(record, "__dict__")
    with pytest.raises(AttributeError):
        record.z = 1


def test_a_default_that_changes_is_made_for_each_record(library: Any) -> None:
    class Basket:
        items: list[int] = library.field(default_factory=list)
        size: int = library.field(default=3)

    basket = library.dataclass(slots=True)(Basket)
    first, second = basket(), basket()
    first.items.append(1)
    assert (second.items, second.size) == ([], 3)
    assert basket([7]).items == [7]
    assert library.fields(basket)[0].default_factory is list
    assert library.fields(basket)[1].default == 3


def test_what_is_checked_after_the_making_is_checked(library: Any) -> None:
    class Even:
        number: int

        def __post_init__(self) -> None:
            if self.number % 2:
                raise ValueError("odd")

    even = library.dataclass(frozen=True)(Even)
    assert even(2).number == 2
    for _ in range(2):
        with pytest.raises(ValueError, match="odd"):
            even(3)


def test_records_inherit(library: Any) -> None:
    class Base:
        a: int
        b: int = 2

        def describe(self) -> str:
            return f"{type(self).__name__} {self.a}"

    base = library.dataclass(frozen=True, slots=True)(Base)

    class Derived(base):  # type: ignore[misc, valid-type]
        c: int = 3

    derived = library.dataclass(frozen=True, slots=True)(Derived)
    record = derived(1)
    assert (record.a, record.b, record.c) == (1, 2, 3)
    assert record.describe() == "Derived 1"
    assert [item.name for item in library.fields(derived)] == ["a", "b", "c"]
    assert isinstance(record, base)
    assert record != base(1)
    assert base(5).a == 5
    with pytest.raises(AttributeError):
        record.a = 2
    assert not hasattr(record, "__dict__")


def test_a_class_may_compare_in_its_own_way(library: Any) -> None:
    class Name:  # noqa: PLW1641 - the decorator adds what is missing
        text: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and self.text.lower() == other.text.lower()

    name = library.dataclass(frozen=True)(Name)
    assert name("A") == name("a")
    assert isinstance(hash(name("A")), int)
    loose = library.dataclass()(Name)
    assert loose("A") == loose("a")


def test_a_record_shows_itself_in_its_own_way(library: Any) -> None:
    class Secret:
        word: str

        def __repr__(self) -> str:
            return "Secret(***)"

    assert "hush" not in repr(library.dataclass(frozen=True, slots=True)(Secret)("hush"))


def test_records_become_dictionaries_all_the_way_down(library: Any) -> None:
    point = _point(library, frozen=True)

    class Line:
        ends: tuple[Any, ...]
        by_name: dict[str, Any]
        all: list[Any]

    line = library.dataclass()(Line)((point(1), 5), {"a": point(2)}, [point(3), "x"])
    plain = library.asdict(line)
    assert plain == {
        "ends": ({"x": 1, "y": 2}, 5),
        "by_name": {"a": {"x": 2, "y": 2}},
        "all": [{"x": 3, "y": 2}, "x"],
    }
    plain["all"].append(1)
    assert len(line.all) == 2


@records.dataclass(frozen=True, slots=True)
class Kept:
    """At the top of a module, so that it can be pickled."""

    a: int
    b: str = "x"


def test_a_frozen_record_can_be_copied_and_pickled() -> None:
    for made in (copy.copy(Kept(1)), copy.deepcopy(Kept(1)), pickle.loads(pickle.dumps(Kept(1)))):
        assert made == Kept(1)


def test_an_empty_record_is_one_too(library: Any) -> None:
    class Nothing:
        pass

    nothing = library.dataclass(frozen=True, slots=True)(Nothing)
    assert nothing() == nothing()
    assert repr(nothing()).endswith("Nothing()")


def test_the_bare_decorator_works(library: Any) -> None:
    @library.dataclass  # type: ignore[untyped-decorator]
    class Bare:
        a: int

    assert Bare(1).a == 1


def test_a_refused_change_says_what_and_why() -> None:
    with pytest.raises(AttributeError, match=r"Kept\.a cannot be changed: the record is frozen"):
        Kept(1).a = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del Kept(1).a
