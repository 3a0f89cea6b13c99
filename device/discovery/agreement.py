"""A password that two boards agree on without sending it: Diffie-Hellman, group 14 (RFC 3526 section 3). Pure.

Whoever listens learns nothing of it. Who stands between the two while they enrol, and changes what they say, does: a
house that fears this sets its accounts up by hand.
"""

from device.sip.digest import ha1

PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
GENERATOR = 2
EXPONENT_BITS = 256
"""Of a secret number: twice the strength of the group, which is 110 bits and some (RFC 3526 section 8)."""
PURPOSE = "offhook house password"


def public_key(secret: int) -> str:
    """What is sent for a secret number of EXPONENT_BITS, in hexadecimal."""
    return f"{pow(GENERATOR, secret, PRIME):x}"


def shared_password(secret: int, key: str, host_id: str, member_id: str) -> str | None:
    """The password of a member at a host, the same for both; None for a key that is none.

    Keys that let only a few passwords be are none (RFC 2631 section 2.1.5).
    """
    try:
        other = int(key, 16)
    except ValueError:
        return None
    if not key.isascii() or len(key) > len(f"{PRIME:x}") or not 1 < other < PRIME - 1:
        return None
    common = pow(other, secret, PRIME)
    return ha1("SHA-256", PURPOSE, f"{host_id}/{member_id}", f"{common:x}")
