"""Names for annotations; see docs/decisions/0005-annotations.md.

For a type checker they are those of `typing`. At run time nothing looks at annotations here, so that stand-ins of a
few lines serve, and the daemon does without the module: 0.35 MB and 3 ms of its start.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import (
        Any,
        BinaryIO,
        ClassVar,
        Final,
        Generic,
        Literal,
        NamedTuple,
        NewType,
        NoReturn,
        Protocol,
        TextIO,
        TypeVar,
        cast,
    )
else:
    from collections import namedtuple

    class _Subscriptable:
        __slots__ = ()

        def __class_getitem__(cls, item):
            return cls

    class Any(_Subscriptable):
        """Stands for any type."""

    class ClassVar(_Subscriptable):
        """Marks a name of the class that is no field."""

    class Final(_Subscriptable):
        """Marks a constant."""

    class Generic(_Subscriptable):
        """Base of classes with type parameters."""

        __slots__ = ()

    class Literal(_Subscriptable):
        """Marks a choice of values."""

    class Protocol(_Subscriptable):
        """Base of interfaces."""

        __slots__ = ()

    class BinaryIO(_Subscriptable):
        """An open file of bytes."""

    class TextIO(_Subscriptable):
        """An open file of text."""

    class NoReturn(_Subscriptable):
        """What a function answers that never returns."""

    class TypeVar:
        """A type parameter."""

        __slots__ = ()

        def __init__(self, *_arguments, **_options):
            pass

        def __or__(self, other):
            return self

        __ror__ = __or__

    def NewType(_name, supertype):  # noqa: N802
        """A type that only the type checker tells from `supertype`."""
        return supertype

    def cast(_annotation, value):
        """`value`, which the type checker takes for the type of the annotation."""
        return value

    class _NamedTupleMeta(type):
        def __new__(mcs, name, bases, body):
            if not bases:
                return super().__new__(mcs, name, bases, body)
            # An ordinary class first: from Python 3.14 on the body itself holds no annotations.
            annotated = type(name, (), dict(body))
            base = namedtuple(name, annotated.__annotations__)
            kept = {key: value for key, value in body.items() if key not in ("__classcell__", "__annotations__")}
            return type(name, (base,), {**kept, "__slots__": ()})

    class NamedTuple(metaclass=_NamedTupleMeta):
        """Base of tuples with named items."""


__all__ = [
    "TYPE_CHECKING",
    "Any",
    "BinaryIO",
    "ClassVar",
    "Final",
    "Generic",
    "Literal",
    "NamedTuple",
    "NewType",
    "NoReturn",
    "Protocol",
    "TextIO",
    "TypeVar",
    "cast",
]
