from device.discovery.agreement import public_key, shared_password
from device.discovery.house import FIRST_NUMBER, LAST_NUMBER, House, proof_of, read_members

OWN = "00000000000000aa"
SECRETS = iter(range(3**140, 3**140 + 10_000))


def board(number: int) -> str:
    return f"{number:016x}"


def enrol(house: House, board_id: str, password: str | None = None) -> tuple[str, str, str]:
    """As a board does it: its number, its password, and why not."""
    secret = next(SECRETS)
    key = public_key(secret)
    told = house.enrol(board_id, key, proof_of(password, key) if password is not None else "", next(SECRETS))
    return told.number, shared_password(secret, told.key, OWN, board_id) or "", told.refusal


def test_boards_get_numbers_and_passwords_of_their_own() -> None:
    house = House(OWN, {})
    first, second = enrol(house, board(1)), enrol(house, board(2))
    assert (first[0], second[0]) == ("11", "12")
    assert house.members[board(1)].password == first[1] != second[1]
    assert house.present == {board(1), board(2)}


def test_a_board_that_comes_again_keeps_its_number_and_gets_another_password() -> None:
    house = House(OWN, {})
    _, password, _ = enrol(house, board(1))
    number, fresh, refusal = enrol(house, board(1), password)
    assert (number, refusal) == ("11", "")
    assert fresh != password


def test_nobody_takes_the_number_of_another() -> None:
    house = House(OWN, {})
    _, password, _ = enrol(house, board(1))
    for guess in (None, "", "guess", password.upper()):
        number, _, refusal = enrol(house, board(1), guess)
        assert number == ""
        assert f"offhook discovery forget {board(1)}" in refusal
    assert house.members[board(1)].password == password


def test_a_proof_is_good_for_one_key() -> None:
    house = House(OWN, {})
    _, password, _ = enrol(house, board(1))
    overheard = proof_of(password, public_key(next(SECRETS)))
    assert house.enrol(board(1), public_key(next(SECRETS)), overheard, next(SECRETS)).refusal


def test_what_is_no_board_or_no_key_is_refused() -> None:
    house = House(OWN, {})
    assert house.enrol("me", public_key(5**99), "", 7**80).refusal
    assert house.enrol(board(1), "1", "", 7**80).refusal
    assert house.members == {}


def test_a_house_can_be_full() -> None:
    house = House(OWN, {})
    room = LAST_NUMBER - FIRST_NUMBER + 1
    for number in range(room):
        assert enrol(house, board(number))[0]
    assert "taken" in enrol(house, board(1000))[2]
    assert len(house.members) == room


def test_members_are_read_as_they_were_written() -> None:
    house = House(OWN, {})
    enrol(house, board(1))
    assert read_members(house.as_json()) == house.members
    assert read_members({board(1): ["11"], "x": ["11", "p"], board(2): ["12", 5]}) == {}
    assert read_members(None) == {}
