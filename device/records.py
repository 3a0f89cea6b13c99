"""Frozen value classes without the cost of `dataclasses`; see docs/decisions/0002-records.md.

For a type checker this module is `dataclasses`. At run time it is a small subset of it that neither imports
`inspect` nor compiles five methods a class: a daemon with a hundred records starts sooner and stays smaller.
Supported: annotations with defaults, `field(default_factory=...)`, ClassVar, inheritance, `frozen`, `slots`,
`__post_init__`, `replace`, `fields`, `asdict`.
"""

from device.annotations import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import asdict, dataclass, field, fields, replace
else:
    _MISSING = object()
    _NO_DEFAULTS = {}

    class Field:
        """Name, annotation text and default of one field."""

        __slots__ = ("default", "default_factory", "name", "type")

        def __init__(self, default=_MISSING, default_factory=_MISSING, name="", annotation=""):
            self.default = default
            self.default_factory = default_factory
            self.name = name
            self.type = annotation

    def field(*, default=_MISSING, default_factory=_MISSING):
        """Give a field a default, or a function that makes one."""
        return Field(default, default_factory)

    class FrozenRecordError(AttributeError):
        """Assignment to a field of a frozen record."""

    class _Record:
        """What all records share, so that each class carries little more than its names."""

        __slots__ = ()

        def __repr__(self):
            shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
            return f"{type(self).__qualname__}({shown})"

        def __eq__(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return _values(self) == _values(other)

        __hash__ = None

    class _FrozenRecord(_Record):
        __slots__ = ()

        def __hash__(self):
            return hash((self.__class__, _values(self)))

        def __setattr__(self, name, value):
            raise FrozenRecordError(f"{type(self).__name__}.{name} cannot be changed: the record is frozen")

        def __delattr__(self, name):
            raise FrozenRecordError(f"{type(self).__name__}.{name} cannot be deleted: the record is frozen")

        def __getstate__(self):
            return _values(self)

        def __setstate__(self, state):
            for name, value in zip(self.__match_args__, state, strict=True):
                object.__setattr__(self, name, value)

    def _values(record):
        return tuple([getattr(record, name) for name in record.__match_args__])

    def _first_init(self, *args, **kwargs):
        """Stands for `__init__` until a class makes its first record: most classes of a run never do."""
        cls = next(base for base in type(self).__mro__ if base.__dict__.get("__init__") is _first_init)
        cls.__init__ = _make_init(cls)
        cls.__init__(self, *args, **kwargs)

    def _make_init(cls):
        """Compile `__init__`: the one method whose speed and signature matter."""
        assign = "_set(self,{0!r},{1})" if issubclass(cls, _FrozenRecord) else "self.{0}={1}"
        scope = {"_set": object.__setattr__, "_MISSING": _MISSING}
        parameters, lines = ["self"], []
        for name in cls.__match_args__:
            default = cls.__record_defaults__.get(name, _MISSING)
            value = name
            if isinstance(default, Field):
                scope[f"_make_{name}"] = default.default_factory
                parameters.append(f"{name}=_MISSING")
                value = f"_make_{name}() if {name} is _MISSING else {name}"
            elif default is not _MISSING:
                scope[f"_default_{name}"] = default
                parameters.append(f"{name}=_default_{name}")
            else:
                parameters.append(name)
            lines.append(" " + assign.format(name, value))
        if hasattr(cls, "__post_init__"):
            lines.append(" self.__post_init__()")
        exec(f"def __init__({','.join(parameters)}):\n" + "\n".join(lines or [" pass"]), scope)  # noqa: S102
        return scope["__init__"]

    def _is_class_var(annotation):
        return "ClassVar" in (annotation if isinstance(annotation, str) else str(annotation))

    def _collect(cls):
        """Names of the fields, those inherited first, and the defaults by name."""
        names, defaults = {}, {}
        for base in reversed(cls.__mro__[1:]):
            if "__record_defaults__" in base.__dict__:
                names.update(dict.fromkeys(base.__match_args__))
                defaults.update(base.__record_defaults__)
        for name, annotation in cls.__annotations__.items():
            if not _is_class_var(annotation):
                names[name] = None
                default = cls.__dict__.get(name, _MISSING)
                if isinstance(default, Field) and default.default_factory is _MISSING:
                    default = default.default
                if default is not _MISSING:
                    defaults[name] = default
        return tuple(names), defaults or _NO_DEFAULTS

    def dataclass(cls=None, /, *, frozen=False, slots=False):
        """Make a record class of the annotated names in `cls`."""

        def decorate(cls):
            names, defaults = _collect(cls)
            body = {
                name: value
                for name, value in cls.__dict__.items()
                if name not in ("__dict__", "__weakref__") and name not in defaults
            }
            body["__match_args__"] = names
            body["__record_defaults__"] = defaults
            body["__init__"] = _first_init
            if "__eq__" in body and body.get("__hash__") is None:
                body["__hash__"] = _FrozenRecord.__hash__ if frozen else None
            if slots:
                inherited = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
                body["__slots__"] = tuple(name for name in names if name not in inherited)
            bases = cls.__bases__
            if not issubclass(cls, _Record):
                root = _FrozenRecord if frozen else _Record
                bases = (root,) if bases == (object,) else (*bases, root)
            return type(cls)(cls.__name__, bases, body)

        return decorate if cls is None else decorate(cls)

    def fields(record):
        """The fields of a record or record class, in order."""
        cls = record if isinstance(record, type) else type(record)
        annotations = {}
        for base in reversed(cls.__mro__):
            if "__record_defaults__" in base.__dict__:
                annotations.update(base.__annotations__)
        found = []
        for name in cls.__match_args__:
            default = cls.__record_defaults__.get(name, _MISSING)
            factory = default.default_factory if isinstance(default, Field) else _MISSING
            found.append(Field(_MISSING if isinstance(default, Field) else default, factory, name, annotations[name]))
        return tuple(found)

    def replace(record, /, **changes):
        """A copy of `record` with some fields changed."""
        values = {name: getattr(record, name) for name in record.__match_args__}
        values.update(changes)
        return type(record)(**values)

    def asdict(record):
        """The fields as a dictionary; records inside it, and in lists and tuples, become dictionaries too."""
        return {name: _plain(getattr(record, name)) for name in record.__match_args__}

    def _plain(value):
        if isinstance(value, _Record):
            return asdict(value)
        if isinstance(value, (list, tuple)):
            items = [_plain(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, dict):
            return {key: _plain(item) for key, item in value.items()}
        return value


__all__ = ["asdict", "dataclass", "field", "fields", "replace"]
