"""Boards that see each other late, leave, and are parted and joined again: one exchange, and it stays."""

from heapq import heappop, heappush
from random import Random

import pytest

from device.discovery.announcement import Announcement
from device.discovery.election import LONELY_S, PATIENCE_S, SETTLE_S, Election, Role

DELAY_S = 2.0
"""Announcements take up to so long, each at its own pace."""
QUIET_S = SETTLE_S + 4 * DELAY_S + 1


def named(number: int, **more: object) -> Announcement:
    return Announcement(f"{number:016x}", "192.0.2.1", 5071, **more)  # type: ignore[arg-type]


class Board:
    def __init__(self, own: Announcement) -> None:
        self.election = Election(own)
        self.said: Announcement | None = None
        self.members: set[str] = set()
        self.takes_office = True
        self.was_host = False


class Air:
    """Networks of boards, cut and joined at will; who is a member enrols with its host after a while."""

    def __init__(self, seed: int, *boards: Announcement) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.boards: dict[str, Board] = {}
        self.network: dict[str, int] = {}
        self._due: list[tuple[float, int, object]] = []
        self._number = 0
        for board in boards:
            self.join(board)

    def join(self, own: Announcement, network: int = 0) -> None:
        self.boards[own.id] = Board(own)
        self.network[own.id] = network
        for other in self.peers(own.id):
            self._tell(own.id, other)
        self._flush()

    def leave(self, board_id: str) -> None:
        for other in self.peers(board_id):
            self._later(lambda one=other: self._lose(one, board_id))
        del self.boards[board_id], self.network[board_id]

    def move(self, board_ids: list[str], network: int) -> None:
        """Plug these into another network."""
        before = {board_id: self.peers(board_id) for board_id in board_ids}
        for board_id in board_ids:
            self.network[board_id] = network
        for board_id in board_ids:
            after = self.peers(board_id)
            for other in {*before[board_id]} - {*after}:
                self._later(lambda one=other, gone=board_id: self._lose(one, gone))
                self._later(lambda one=board_id, gone=other: self._lose(one, gone))
            for other in {*after} - {*before[board_id]}:
                self._tell(other, board_id)
                self._tell(board_id, other)

    def peers(self, board_id: str) -> list[str]:
        return [one for one in self.boards if one != board_id and self.network[one] == self.network[board_id]]

    def live(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self._next()) <= until:
            self.now = max(self.now, at)
            while self._due and self._due[0][0] <= self.now:
                heappop(self._due)[2]()  # type: ignore[operator]
            for board in list(self.boards.values()):
                timeout = board.election.next_timeout()
                if timeout is not None and timeout <= self.now:
                    board.election.handle_timeout(self.now)
            self._flush()
        self.now = until

    def hosts(self, network: int = 0) -> list[str]:
        return [one for one in self.boards if self.network[one] == network and self.election(one).role is Role.HOST]

    def election(self, board_id: str) -> Election:
        return self.boards[board_id].election

    def agreed(self, network: int = 0) -> str:
        """The one exchange that all boards of a network name."""
        (host,) = self.hosts(network)
        for one in self.boards:
            if self.network[one] == network and one != host:
                election = self.election(one)
                assert election.role is Role.MEMBER
                assert election.host is not None
                assert election.host.id == host
        return host

    def _next(self) -> float:
        times = [board.election.next_timeout() for board in self.boards.values()]
        times += [self._due[0][0] if self._due else None]
        return min((at for at in times if at is not None), default=float("inf"))

    def _flush(self) -> None:
        for board_id, board in self.boards.items():
            election = board.election
            if election.role is Role.HOST and not board.takes_office:
                election.resign(self.now)
            if election.role is Role.HOST and not board.was_host:
                board.members.clear()
            board.was_host = election.role is Role.HOST
            if election.role is Role.MEMBER and election.host is not None:
                host = self.boards.get(election.host.id)
                if host is not None and board_id not in host.members and self._hears(board_id, election.host.id):
                    host.members.add(board_id)
                    host.election.set_served(len(host.members), self.now)
        for board_id, board in self.boards.items():
            if board.said != board.election.own:
                board.said = board.election.own
                for other in self.peers(board_id):
                    self._tell(other, board_id)

    def _hears(self, one: str, other: str) -> bool:
        return self.network[one] == self.network[other]

    def _tell(self, listener: str, speaker: str) -> None:
        """What `speaker` says at the moment of arrival, as a cache that is asked gives it."""

        def arrive() -> None:
            if listener in self.boards and speaker in self.boards and self._hears(listener, speaker):
                self.election(listener).see(self.election(speaker).own, self.now)

        self._later(arrive)

    def _lose(self, listener: str, gone: str) -> None:
        if listener in self.boards and not (gone in self.boards and self._hears(listener, gone)):
            self.election(listener).lose(gone, self.now)

    def _later(self, action: object) -> None:
        self._number += 1
        heappush(self._due, (self.now + self.random.uniform(0.01, DELAY_S), self._number, action))


def ids(*numbers: int) -> list[str]:
    return [named(number).id for number in numbers]


def test_a_board_alone_is_nobody_s_exchange() -> None:
    air = Air(1, named(1))
    air.live(1000.0)
    assert air.election(*ids(1)).role is Role.ALONE


def test_two_fresh_boards_agree_within_seconds() -> None:
    air = Air(1, named(2), named(1))
    air.live(QUIET_S)
    assert air.agreed() == ids(1)[0]


def test_the_rank_comes_before_the_name() -> None:
    air = Air(1, named(1), named(2, rank=1), named(3, rank=0, can_host=False))
    air.live(QUIET_S)
    assert air.agreed() == ids(2)[0]


def test_who_joins_takes_over_no_house() -> None:
    air = Air(1, named(5), named(7))
    air.live(QUIET_S)
    for number in (1, 6, 9):
        air.join(named(number, rank=0))
        air.live(QUIET_S)
        assert air.agreed() == ids(5)[0]


def test_who_leaves_changes_nothing_unless_it_was_the_exchange() -> None:
    air = Air(1, *(named(number) for number in (1, 2, 3, 4)))
    air.live(QUIET_S)
    air.leave(ids(3)[0])
    air.live(QUIET_S)
    assert air.agreed() == ids(1)[0]
    air.leave(ids(1)[0])
    air.live(QUIET_S)
    assert air.agreed() == ids(2)[0]


def test_of_two_networks_that_become_one_the_larger_house_stays() -> None:
    air = Air(1)
    for number in (1, 2):
        air.join(named(number), network=0)
    for number in (5, 6, 7):
        air.join(named(number), network=1)
    air.live(QUIET_S)
    assert (air.agreed(0), air.agreed(1)) == (ids(1)[0], ids(5)[0])
    air.move(ids(1, 2), 1)
    air.live(QUIET_S)
    assert air.agreed(1) == ids(5)[0]


def test_a_network_that_is_split_has_two_and_one_again_afterwards() -> None:
    air = Air(1, *(named(number) for number in range(1, 7)))
    air.live(QUIET_S)
    air.move(ids(4, 5, 6), 1)
    air.live(2 * QUIET_S)
    assert (air.agreed(0), air.agreed(1)) == (ids(1)[0], ids(4)[0])
    air.move(ids(4, 5, 6), 0)
    air.live(2 * QUIET_S)
    # It served five boards before the split, and counts upwards while it is in office.
    assert air.agreed(0) == ids(1)[0]


def test_an_exchange_whose_boards_have_gone_waits_for_them_and_then_gives_up() -> None:
    air = Air(1, named(1), named(2))
    air.live(QUIET_S)
    air.leave(ids(2)[0])
    air.live(LONELY_S / 2)
    assert air.election(*ids(1)).role is Role.HOST
    air.join(named(2))
    air.live(LONELY_S)
    assert air.agreed() == ids(1)[0]
    air.leave(ids(2)[0])
    air.live(LONELY_S + DELAY_S + 1)
    assert air.election(*ids(1)).role is Role.ALONE


def test_whose_turn_it_is_and_who_does_not_take_it_is_passed_over() -> None:
    air = Air(1, named(1), named(2), named(3))
    air.boards[ids(1)[0]].takes_office = False
    air.live(QUIET_S + PATIENCE_S + SETTLE_S)
    assert air.agreed() == ids(2)[0]


def test_a_turn_of_one_that_is_announced_but_dead_passes() -> None:
    election = Election(named(2))
    election.see(named(1), 0.0)
    election.see(named(3), 0.0)
    now = 0.0
    while election.role is not Role.HOST:
        now = election.next_timeout() or pytest.fail("nothing will ever happen")
        assert now < 2 * (SETTLE_S + PATIENCE_S), "it is for ever the dead one's turn"
        election.handle_timeout(now)


def test_an_exchange_that_does_not_answer_is_replaced_and_heard_again_later() -> None:
    election = Election(named(2))
    election.see(named(1, hosts=True), 0.0)
    election.see(named(3), 0.0)
    assert election.role is Role.MEMBER
    election.suspect(named(1).id, 10.0)
    election.handle_timeout(10.0 + SETTLE_S)
    assert election.role is Role.HOST
    election.handle_timeout(1000.0)
    election.see(named(1, hosts=True), 1000.0)
    assert election.role is Role.HOST, "that it is announced still says nothing"
    assert [board.id for board in election.suspects] == [named(1).id]
    election.trust(named(1).id, 1000.0)
    assert election.role is Role.MEMBER, "the lower name of two that serve nobody"


def test_a_suspect_that_says_something_new_is_heard() -> None:
    election = Election(named(2))
    election.see(named(1, hosts=True), 0.0)
    election.suspect(named(1).id, 10.0)
    assert election.role is Role.ALONE
    election.see(named(1, hosts=True, served=3), 20.0)
    assert election.role is Role.MEMBER


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens_there_is_one_exchange_as_soon_as_it_is_quiet(seed: int) -> None:
    dice = Random(seed)
    air = Air(seed, *(named(number) for number in range(1, dice.randrange(3, 9))))
    number = 20
    for _ in range(30):
        what = dice.random()
        some = dice.sample(list(air.boards), min(len(air.boards), dice.randrange(1, 4)))
        if what < 0.25:
            number += 1
            air.join(named(dice.randrange(100, 10_000), rank=dice.randrange(3)), network=dice.randrange(2))
        elif what < 0.4 and len(air.boards) > 3:
            air.leave(some[0])
        elif what < 0.7:
            air.move(some, dice.randrange(2))
        air.live(dice.choice((0.1, 1.0, 5.0, 30.0)))
    air.live(3 * (QUIET_S + PATIENCE_S))
    for network in (0, 1):
        present = [one for one in air.boards if air.network[one] == network]
        if len(present) > 1:
            before = air.agreed(network)
            air.live(500.0)
            assert air.agreed(network) == before, "it never changes without a reason"
