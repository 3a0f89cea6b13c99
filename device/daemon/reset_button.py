"""A button that brings back the state of delivery: held from power-up on, for so long that it is meant.

Pressed later it is a button like any other, so that nobody who leans on it in the middle of a day loses anything.
"""

from collections.abc import Callable

from device import plain_logging as logging

logger = logging.getLogger(__name__)

LOOK_S = 0.25


class ResetButton:
    """A participant of the loop. `is_pressed` reads the button, `reset` does the deed, `show` blinks meanwhile."""

    def __init__(
        self, hold_s: float, is_pressed: Callable[[], bool], reset: Callable[[], None], show: Callable[[bool], None]
    ) -> None:
        self._hold_s = hold_s
        self._is_pressed = is_pressed
        self._reset = reset
        self._show = show
        self._since: float | None = None
        self._over = False

    def pump(self, now: float) -> float | None:
        """Look at the button until it is let go, or has been held for long enough."""
        if self._over:
            return None
        if not self._is_pressed():
            if self._since is not None:
                logger.warning("the reset button was let go before its time: nothing is erased")
                self._show(False)
            self._over = True
            return None
        if self._since is None:
            self._since = now
            logger.warning("the reset button is held: everything is erased in %.0f s", self._hold_s)
            self._show(True)
        if now - self._since >= self._hold_s:
            self._over = True
            logger.warning("the reset button was held for %.0f s", self._hold_s)
            self._reset()
            return None
        return now + LOOK_S
