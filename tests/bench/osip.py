"""libosip2, a SIP parser in C, called by ctypes: the yardstick for our parser."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_void_p, cast

LIBRARY = "libosipparser2.so.15"
BUFFER_OUTDATED = 2
"""The message_property that lets osip_message_to_str build the text anew."""


class _Node(Structure):
    pass


_Node._fields_ = [("next", POINTER(_Node)), ("element", c_void_p)]


class _List(Structure):
    _fields_ = (("count", c_int), ("node", POINTER(_Node)))


class _Uri(Structure):
    _fields_ = (
        *((name, c_char_p) for name in ("scheme", "username", "password", "host", "port")),
        ("url_params", _List),
        ("url_headers", _List),
        ("string", c_char_p),
    )


class _Address(Structure):
    """osip_from_t, osip_to_t and osip_contact_t."""

    _fields_ = (("displayname", c_char_p), ("url", POINTER(_Uri)), ("gen_params", _List))


class _Via(Structure):
    _fields_ = (*((name, c_char_p) for name in ("version", "protocol", "host", "port", "comment")), ("params", _List))


class _Param(Structure):
    _fields_ = (("gname", c_char_p), ("gvalue", c_char_p))


class _CSeq(Structure):
    _fields_ = (("method", c_char_p), ("number", c_char_p))


class _CallId(Structure):
    _fields_ = (("number", c_char_p), ("host", c_char_p))


class _Body(Structure):
    _fields_ = (("body", c_void_p), ("length", c_size_t), ("headers", c_void_p), ("content_type", c_void_p))


def _fields() -> tuple[tuple[str, type], ...]:
    """struct osip_message of osipparser2/osip_message.h, version 5."""
    lists = "accepts accept_encodings accept_languages alert_infos allows authentication_infos authorizations"
    return (
        ("sip_version", c_char_p),
        ("req_uri", POINTER(_Uri)),
        ("sip_method", c_char_p),
        ("status_code", c_int),
        ("reason_phrase", c_char_p),
        *((name, _List) for name in lists.split()),
        ("call_id", POINTER(_CallId)),
        ("call_infos", _List),
        ("contacts", _List),
        ("content_encodings", _List),
        ("content_length", c_void_p),
        ("content_type", c_void_p),
        ("cseq", POINTER(_CSeq)),
        ("error_infos", _List),
        ("from_", POINTER(_Address)),
        ("mime_version", c_void_p),
        ("proxy_authenticates", _List),
        ("proxy_authentication_infos", _List),
        ("proxy_authorizations", _List),
        ("record_routes", _List),
        ("routes", _List),
        ("to", POINTER(_Address)),
        ("vias", _List),
        ("www_authenticates", _List),
        ("headers", _List),
        ("bodies", _List),
        ("message_property", c_int),
        ("message", c_char_p),
        ("message_length", c_size_t),
        ("application_data", c_void_p),
    )


class _Message(Structure):
    _fields_ = _fields()


class Osip:
    """The parser. Raises OSError when the library is not installed (Debian: libosip2-dev)."""

    def __init__(self) -> None:
        self._library = library = ctypes.CDLL(LIBRARY)
        library.osip_message_init.argtypes = [POINTER(POINTER(_Message))]
        library.osip_message_parse.argtypes = [POINTER(_Message), c_char_p, c_size_t]
        library.osip_message_free.argtypes = [POINTER(_Message)]
        library.osip_message_free.restype = None
        library.osip_message_to_str.argtypes = [POINTER(_Message), POINTER(c_void_p), POINTER(c_size_t)]
        library.osip_uri_param_get_byname.argtypes = [POINTER(_List), c_char_p, POINTER(POINTER(_Param))]
        self._free_text = ctypes.CDLL(None).free
        self._free_text.argtypes = [c_void_p]
        self._free_text.restype = None
        library.parser_init()

    @contextmanager
    def opened(self, data: bytes) -> "Iterator[ctypes._Pointer[_Message]]":
        """A message, parsed whole as libosip2 always does. Raises ValueError."""
        message = self._open(data)
        try:
            yield message
        finally:
            self._library.osip_message_free(message)

    def _open(self, data: bytes) -> "ctypes._Pointer[_Message]":
        message = POINTER(_Message)()
        self._library.osip_message_init(byref(message))
        if self._library.osip_message_parse(message, data, len(data)) != 0:
            self._library.osip_message_free(message)
            raise ValueError("libosip2 refuses the message")
        return message

    def parse(self, data: bytes) -> None:
        """Parse and forget."""
        self._library.osip_message_free(self._open(data))

    def use(self, data: bytes) -> tuple[object, ...]:
        """Parse and fetch what a transaction layer needs into Python."""
        message = self._open(data)
        fields = message.contents
        via = cast(fields.vias.node.contents.element, POINTER(_Via)).contents
        contact = cast(fields.contacts.node.contents.element, POINTER(_Address)).contents
        body = cast(fields.bodies.node.contents.element, POINTER(_Body)).contents
        to = fields.to.contents.url.contents
        call_id = fields.call_id.contents
        found = (
            self._param(via.params, b"branch"),
            self._param(fields.from_.contents.gen_params, b"tag"),
            (to.username, to.host, to.port),
            int(fields.cseq.contents.number),
            call_id.number + b"@" + call_id.host if call_id.host else call_id.number,
            (contact.url.contents.username, contact.url.contents.host, contact.url.contents.port),
            ctypes.string_at(body.body, body.length),
        )
        self._library.osip_message_free(message)
        return found

    def encode(self, message: "ctypes._Pointer[_Message]") -> bytes:
        """The message on the wire, built anew."""
        text, length = c_void_p(), c_size_t()
        message.contents.message_property = BUFFER_OUTDATED
        if self._library.osip_message_to_str(message, byref(text), byref(length)) != 0:
            raise ValueError("libosip2 cannot build the message")
        data = ctypes.string_at(text, length.value)
        self._free_text(text)
        return data

    def _param(self, params: _List, name: bytes) -> bytes:
        found = POINTER(_Param)()
        self._library.osip_uri_param_get_byname(byref(params), name, byref(found))
        return found.contents.gvalue if found else b""
