"""Sockets by the names of `socket`, without what that module brings along; see docs/decisions/0009-plain-sockets.md."""

from device.annotations import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import *  # noqa: F403
else:
    import _socket

    def __getattr__(name):
        """Constants and functions of the system, as plain numbers where `socket` makes enumerations."""
        globals()[name] = found = getattr(_socket, name)  # asked once: the way here is by an exception
        return found

    class socket(_socket.socket):  # noqa: N801  # the name is the library's
        """A socket, with what `socket.socket` adds to the interpreter's own and is needed here."""

        __slots__ = ("__weakref__",)

        def accept(self):
            """Take one connection: its socket, and where it comes from."""
            number, address = self._accept()
            return socket(self.family, self.type, self.proto, fileno=number), address

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.close()
