from device.exchange.used_nonces import USED_NONCES_KEPT, UsedNonces

LIFETIME_S = 300.0


def test_a_nonce_serves_again_with_a_higher_count_only() -> None:
    used = UsedNonces(LIFETIME_S)
    taken = [used.take("alice", "n", count, 0.0, 1.0) for count in (1, 1, 3, 2, 4)]
    assert taken == [True, False, True, False, True]


def test_a_proof_without_count_serves_once() -> None:
    used = UsedNonces(LIFETIME_S)
    assert used.take("alice", "n", 0, 0.0, 1.0)
    assert not used.take("alice", "n", 0, 0.0, 1.0)


def test_two_users_may_answer_one_nonce() -> None:
    used = UsedNonces(LIFETIME_S)
    assert used.take("alice", "n", 1, 0.0, 1.0)
    assert used.take("bob", "n", 1, 0.0, 1.0)


def test_a_forgotten_nonce_cannot_be_replayed() -> None:
    used = UsedNonces(LIFETIME_S)
    for number in range(USED_NONCES_KEPT + 1):
        assert used.take("alice", f"n{number}", 1, float(number), float(number))
    assert len(used) == USED_NONCES_KEPT
    assert not used.take("alice", "n0", 2, 0.0, 40.0)
    assert used.take("bob", "n0", 1, 0.0, 40.0), "that room was alice's"


def test_who_comes_no_more_is_forgotten_when_his_nonces_are_over() -> None:
    used = UsedNonces(LIFETIME_S)
    for number in range(100):
        used.take(f"u{number}", "n", 1, float(number), float(number))
    used.take("alice", "n", 1, 1000.0, 1000.0)
    assert len(used) == 1
