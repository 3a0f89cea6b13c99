"""How late a word is heard: two phones, two sound cards of the kernel, ours beside baresip on the same board."""

import time

import pytest

from tests.board.house import House
from tests.board.mouth_to_ear import BaresipPair, OffhookPair, Pair
from tests.board.uml_rig import UmlRig
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.board


@pytest.mark.parametrize("kind", [OffhookPair, BaresipPair], ids=lambda kind: kind.name)
def test_from_mouth_to_ear(running_house: House, kind: type[Pair]) -> None:
    rig = running_house.rig
    if not isinstance(rig, UmlRig):
        pytest.skip("the product's image has no baresip to be measured beside; the quick board has both")
    with kind(rig) as pair:
        since = time.monotonic() + 1.0
        said, heard = pair.said_and_heard(TALK_S + 3.0)
    likeness = judge(said, heard, since)
    assert likeness.correlation > GOOD_CORRELATION
    running_house.figures.note(f"mouth to ear through two phones, {kind.name}", 1000 * likeness.delay_s, "ms")
