"""Secrets under a passphrase, so that a configuration with them can be carried about: scrypt and AES-256-GCM.

The key is scrypt's (RFC 7914) of the passphrase, the cipher AES-256-GCM (NIST SP 800-38D) of libcrypto, the library
that Python's own ssl uses. All of it is done in a child process: neither ctypes nor the 32 MB that scrypt works in
stay in the daemon's memory.
"""

import base64
import json
from collections.abc import Mapping

from device.annotations import Any, cast
from device.errors import DeviceError
from device.hardware.toml_file import in_child

MARK = "offhook-sealed-1"
SALT_OCTETS, NONCE_OCTETS, TAG_OCTETS, KEY_OCTETS = 16, 12, 16, 32
SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 << 20}
"""A tenth of a second on a PC, about a second on a Raspberry Pi: for each guess."""
LEAST_PASSPHRASE = 8
_LIBRARIES = ("libcrypto.so.3", "libcrypto.so.1.1")
_GET_TAG, _SET_TAG = 0x10, 0x11
"""EVP_CTRL_AEAD_GET_TAG and _SET_TAG of openssl/evp.h."""


class SealError(DeviceError):
    """A passphrase that does not fit, or a text that is none of ours."""


def seal(passphrase: str, secrets: Mapping[str, object], salt: bytes, nonce: bytes) -> str:
    """`secrets` as a text that only the passphrase opens. `salt` and `nonce` are random and never used again.

    Raises SealError for a passphrase that is too short.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        raise SealError(f"the passphrase is too short: at least {LEAST_PASSPHRASE} characters")
    clear = json.dumps(secrets, ensure_ascii=False).encode()
    made = _in_child(lambda: _encrypt(passphrase, clear, salt, nonce).hex())
    return f"{MARK}:{base64.b64encode(salt + nonce + bytes.fromhex(str(made))).decode()}"


def unseal(passphrase: str, text: str) -> dict[str, Any]:
    """What was sealed. Raises SealError for another passphrase, and for a text that was changed on its way."""
    mark, _, rest = text.strip().partition(":")
    try:
        data = base64.b64decode(rest, validate=True)
    except ValueError:
        data = b""
    if mark != MARK or len(data) < SALT_OCTETS + NONCE_OCTETS + TAG_OCTETS:
        raise SealError(f"this is no sealed text of this version (it begins with {MARK}:)")
    clear = _in_child(lambda: _decrypt(passphrase, data))
    if clear is None:
        raise SealError("the passphrase does not fit, or the text was changed on its way")
    return cast("dict[str, Any]", json.loads(str(clear)))


def _in_child(work: Any) -> object:
    try:
        return in_child(work)
    except ValueError as error:
        raise SealError(str(error)) from error


def _key(passphrase: str, salt: bytes) -> bytes:
    import hashlib  # noqa: PLC0415  # in the child alone

    return hashlib.scrypt(passphrase.encode(), salt=salt, dklen=KEY_OCTETS, **SCRYPT)


def _library() -> Any:
    import ctypes  # noqa: PLC0415  # in the child alone

    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        for function in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
            getattr(library, function).restype = ctypes.c_void_p
        return library
    raise ValueError(f'sealing needs OpenSSL\'s {_LIBRARIES[0]}: run "apt install libssl3"')


def _cipher(library: Any, kind: str, key: bytes, nonce: bytes) -> Any:
    import ctypes  # noqa: PLC0415

    context = ctypes.c_void_p(library.EVP_CIPHER_CTX_new())
    algorithm = ctypes.c_void_p(library.EVP_aes_256_gcm())
    if getattr(library, f"EVP_{kind}Init_ex")(context, algorithm, None, key, nonce) != 1:
        raise ValueError("OpenSSL refuses AES-256-GCM")
    return context


def _encrypt(passphrase: str, clear: bytes, salt: bytes, nonce: bytes) -> bytes:
    """The tag and the cipher text."""
    import ctypes  # noqa: PLC0415

    library = _library()
    context = _cipher(library, "Encrypt", _key(passphrase, salt), nonce)
    out, length = ctypes.create_string_buffer(len(clear) + 16), ctypes.c_int()
    library.EVP_EncryptUpdate(context, out, ctypes.byref(length), clear, len(clear))
    count = length.value
    library.EVP_EncryptFinal_ex(context, ctypes.byref(out, count), ctypes.byref(length))
    tag = ctypes.create_string_buffer(TAG_OCTETS)
    library.EVP_CIPHER_CTX_ctrl(context, _GET_TAG, TAG_OCTETS, tag)
    return tag.raw + out.raw[: count + length.value]


def _decrypt(passphrase: str, data: bytes) -> str | None:
    """The clear text, None where the tag does not fit."""
    import ctypes  # noqa: PLC0415

    salt, rest = data[:SALT_OCTETS], data[SALT_OCTETS:]
    nonce, rest = rest[:NONCE_OCTETS], rest[NONCE_OCTETS:]
    tag, sealed = rest[:TAG_OCTETS], rest[TAG_OCTETS:]
    library = _library()
    context = _cipher(library, "Decrypt", _key(passphrase, salt), nonce)
    out, length = ctypes.create_string_buffer(len(sealed) + 16), ctypes.c_int()
    library.EVP_DecryptUpdate(context, out, ctypes.byref(length), sealed, len(sealed))
    count = length.value
    library.EVP_CIPHER_CTX_ctrl(context, _SET_TAG, TAG_OCTETS, tag)
    fits = library.EVP_DecryptFinal_ex(context, ctypes.byref(out, count), ctypes.byref(length)) == 1
    return out.raw[: count + length.value].decode() if fits else None
