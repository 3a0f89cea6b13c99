import pytest

from device.discovery.agreement import PRIME, public_key, shared_password

HOST, MEMBER = "00000000000000aa", "00000000000000bb"


def pi_times_two_to_the(bits: int) -> int:
    """pi by Machin's formula, scaled, rounded down."""
    one = 1 << (bits + 64)

    def arctan_of_inverse(number: int) -> int:
        total = term = one // number
        divisor, sign = 3, -1
        while term:
            term //= number * number
            total += sign * (term // divisor)
            divisor, sign = divisor + 2, -sign
        return total

    return (16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)) >> 64


def test_the_group_is_that_of_rfc_3526() -> None:
    """Section 3 gives the prime as a formula: 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476)."""
    assert 2**2048 - 2**1984 - 1 + 2**64 * (pi_times_two_to_the(1918) + 124_476) == PRIME
    for base in (2, 3, 5, 7):
        assert pow(base, PRIME - 1, PRIME) == 1


def test_both_sides_come_to_the_same_password_and_nobody_else() -> None:
    a, b, c = 3**150, 5**109, 7**80
    ours = shared_password(a, public_key(b), HOST, MEMBER)
    assert ours == shared_password(b, public_key(a), HOST, MEMBER)
    assert ours is not None
    assert len(ours) == 64
    assert ours not in (
        shared_password(c, public_key(a), HOST, MEMBER),
        shared_password(a, public_key(b), MEMBER, HOST),
    )


@pytest.mark.parametrize("key", ["", "0", "1", f"{PRIME - 1:x}", f"{PRIME:x}", "zz", "-5", "f" * 600, "\u0665"])
def test_a_key_that_leaves_no_choice_is_none(key: str) -> None:
    assert shared_password(3**150, key, HOST, MEMBER) is None
