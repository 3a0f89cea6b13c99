"""What every measure of one run is given: the options, a folder, cards, and the registrar."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.far_end import room_noise
from tests.bench.phones import Baresip, BenchPhone, Offhook
from tests.bench.registrar import Registrar
from tests.support.fakecard.card import FakeCard

AnyPhone = TypeVar("AnyPhone", bound=BenchPhone)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. Times in seconds."""

    idle_s: float = 10.0
    talk_s: float = 20.0
    delay_talk_s: float = 10.0
    starts: int = 10
    isolated_calls: int = 25
    rings: int = 40
    calls: int = 200
    peer_calls_limit: int = 200
    sipp_rates: tuple[int, ...] = (5, 10, 20, 50, 100, 200, 400)
    sipp_s: float = 2.5
    load_s: float = 4.0
    register_rates: tuple[int, ...] = (50, 100, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800)
    call_rates: tuple[int, ...] = (20, 40, 60, 80, 100, 120, 150, 200, 300, 400, 600, 800, 1200, 1600)
    house_s: float = 30.0
    exchange_calls: int = 2000
    memory_rate: int = 100
    message_s: float = 0.05
    idle_items: int = 20_000


QUICK = Extent(
    idle_s=4.0,
    talk_s=6.0,
    delay_talk_s=5.0,
    starts=4,
    isolated_calls=5,
    rings=10,
    calls=60,
    peer_calls_limit=60,
    sipp_rates=(5, 20, 50, 100),
    sipp_s=1.5,
    load_s=2.0,
    register_rates=(50, 100, 200, 400, 800, 1600, 3200),
    call_rates=(20, 50, 100, 200, 400, 800),
    house_s=5.0,
    exchange_calls=400,
    message_s=0.02,
    idle_items=4_000,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """One run's surroundings. Every phone gets a folder and a card of its own."""

    folder: Path
    card_library: Path
    registrar: Registrar
    extent: Extent
    baresip_version: str

    @property
    def baresip_major(self) -> int:
        major = self.baresip_version.partition(".")[0]
        return int(major) if major.isdigit() else 1

    def phone(self, kind: type[AnyPhone], user: str, *, auto_answer: bool = True) -> AnyPhone:
        """One phone, not started, which registers as `user`, and answers by itself or rings."""
        folder = self.folder / user
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier run has left behind
        card = FakeCard(self.card_library, folder / "card")
        card.hear(room_noise(48_000))
        return kind(user, folder, card, self.registrar, auto_answer)

    def pair(self, purpose: str, *, auto_answer: bool = True) -> tuple[Offhook, Baresip]:
        """Ours and the peer."""
        return (
            self.phone(Offhook, f"ours-{purpose}", auto_answer=auto_answer),
            self.phone(Baresip, f"peer-{purpose}", auto_answer=auto_answer),
        )
