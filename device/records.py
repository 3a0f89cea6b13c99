"""Frozen value classes without the cost of `dataclasses`; see docs/decisions/0002-records.md.

For a type checker this module is `dataclasses`. At run time it is a small subset of it that neither imports
`inspect` nor compiles five methods a class: a daemon with a hundred records starts sooner and stays smaller.
Supported: annotations with defaults, `field(default_factory=...)`, ClassVar, inheritance, `frozen`, `slots`,
`__post_init__`, `replace`, `fields`, `asdict`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import asdict, dataclass, field, fields, replace
else:
    _MISSING = object()

    class Field:
        """Name, annotation text and default of one field."""

        __slots__ = ("default", "default_factory", "name", "type")

        def __init__(self, default=_MISSING, default_factory=_MISSING):
            self.name = self.type = ""
            self.default = default
            self.default_factory = default_factory

    def field(*, default=_MISSING, default_factory=_MISSING):
        """Give a field a default, or a function that makes one."""
        return Field(default, default_factory)

    class FrozenRecordError(AttributeError):
        """Assignment to a field of a frozen record."""

    def _repr(self):
        return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.__match_args__)})"

    def _values(self):
        return tuple([getattr(self, name) for name in self.__match_args__])

    def _eq(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def _hash(self):
        return hash((self.__class__, _values(self)))

    def _frozen(self, name, value=None):
        raise FrozenRecordError(f"{type(self).__name__}.{name} cannot be changed: the record is frozen")

    def _getstate(self):
        return _values(self)

    def _setstate(self, state):
        for name, value in zip(self.__match_args__, state, strict=True):
            object.__setattr__(self, name, value)

    def _is_class_var(annotation):
        return "ClassVar" in (annotation if isinstance(annotation, str) else str(annotation))

    def _collect(cls):
        """The fields of a class in order: those inherited first."""
        collected = {}
        for base in reversed(cls.__mro__[1:]):
            for inherited in getattr(base, "__record_fields__", ()):
                collected[inherited.name] = inherited
        for name, annotation in cls.__annotations__.items():
            if _is_class_var(annotation):
                continue
            default = cls.__dict__.get(name, _MISSING)
            item = default if isinstance(default, Field) else Field(default)
            item.name, item.type = name, annotation
            collected[name] = item
        return tuple(collected.values())

    def _make_init(cls, items, frozen):
        """Compile `__init__`: the one method whose speed and signature matter."""
        scope = {"_set": object.__setattr__, "_MISSING": _MISSING}
        parameters, lines = [], []
        for item in items:
            value = item.name
            if item.default_factory is not _MISSING:
                scope[f"_make_{item.name}"] = item.default_factory
                parameters.append(f"{item.name}=_MISSING")
                value = f"_make_{item.name}() if {item.name} is _MISSING else {item.name}"
            elif item.default is not _MISSING:
                scope[f"_default_{item.name}"] = item.default
                parameters.append(f"{item.name}=_default_{item.name}")
            else:
                parameters.append(item.name)
            lines.append(f" _set(self,{item.name!r},{value})" if frozen else f" self.{item.name}={value}")
        if hasattr(cls, "__post_init__"):
            lines.append(" self.__post_init__()")
        exec(f"def __init__(self,{','.join(parameters)}):\n" + "\n".join(lines or [" pass"]), scope)  # noqa: S102
        return scope["__init__"]

    def _with_slots(cls, items, body):
        inherited = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
        for item in items:
            body.pop(item.name, None)
        body.pop("__dict__", None)
        body.pop("__weakref__", None)
        body["__slots__"] = tuple(item.name for item in items if item.name not in inherited)
        return type(cls)(cls.__name__, cls.__bases__, body)

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True, repr=True):  # noqa: A002
        """Make a record class of the annotated names in `cls`."""

        def decorate(cls):
            items = _collect(cls)
            body = dict(cls.__dict__)
            body["__record_fields__"] = items
            body["__match_args__"] = tuple(item.name for item in items)
            body["__init__"] = _make_init(cls, items, frozen)
            if repr:
                body.setdefault("__repr__", _repr)
            if eq:
                body.setdefault("__eq__", _eq)
                if frozen:
                    body["__hash__"] = cls.__dict__.get("__hash__") or _hash
                else:
                    body["__hash__"] = None
            if frozen:
                body["__setattr__"] = body["__delattr__"] = _frozen
                body["__getstate__"], body["__setstate__"] = _getstate, _setstate
            if slots:
                return _with_slots(cls, items, body)
            for name in ("__record_fields__", "__match_args__", "__init__", "__repr__", "__eq__", "__hash__"):
                if name in body:
                    setattr(cls, name, body[name])
            for name in ("__setattr__", "__delattr__", "__getstate__", "__setstate__") if frozen else ():
                setattr(cls, name, body[name])
            for item in items:
                if item.default_factory is not _MISSING and item.name in cls.__dict__:
                    delattr(cls, item.name)
            return cls

        return decorate if cls is None else decorate(cls)

    def fields(record):
        """The fields of a record or record class, in order."""
        return record.__record_fields__

    def replace(record, /, **changes):
        """A copy of `record` with some fields changed."""
        values = {name: getattr(record, name) for name in record.__match_args__}
        values.update(changes)
        return type(record)(**values)

    def asdict(record):
        """The fields as a dictionary; records inside it, and in lists and tuples, become dictionaries too."""
        return {name: _plain(getattr(record, name)) for name in record.__match_args__}

    def _plain(value):
        if hasattr(type(value), "__record_fields__"):
            return asdict(value)
        if isinstance(value, (list, tuple)):
            return type(value)(_plain(item) for item in value)
        if isinstance(value, dict):
            return {key: _plain(item) for key, item in value.items()}
        return value


__all__ = ["asdict", "dataclass", "field", "fields", "replace"]
