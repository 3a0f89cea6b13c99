"""How a call went, second by second, in bounded memory: what a picture of it is drawn from."""

from array import array

from device.media.stream_parameters import StreamReport

MOST_POINTS = 600
"""Ten minutes at a point a second; then every two points become one, and so on."""
CURVES = ("jitter_ms", "buffer_ms", "loss_percent", "heard_db", "sent_db")


class TimeLine:
    """One point for each report, about every second; long calls get coarser points."""

    __slots__ = ("_curves", "_expected", "_missing", "_pending", "step_s")

    def __init__(self) -> None:
        self.step_s = 1
        """Seconds that a point stands for."""
        self._curves = tuple(array("f") for _ in CURVES)
        self._pending: list[tuple[float, ...]] = []
        self._expected = self._missing = 0

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._curves[0])

    def note(self, report: StreamReport) -> None:
        """The counters of a second more."""
        expected, missing = report.packets_expected - self._expected, report.packets_missing - self._missing
        self._expected, self._missing = report.packets_expected, report.packets_missing
        loss = 100 * missing / expected if expected > 0 else 0.0
        point = (report.jitter_ms, float(report.buffer_ms), loss, report.heard_db, report.sent_db)
        if self.step_s > 1:
            self._pending.append(point)
            if len(self._pending) < self.step_s:
                return
            point = tuple(sum(values) / self.step_s for values in zip(*self._pending, strict=True))
            self._pending.clear()
        for curve, value in zip(self._curves, point, strict=True):
            curve.append(value)
        if len(self) >= MOST_POINTS:
            self._halve()

    def _halve(self) -> None:
        self.step_s *= 2
        self._curves = tuple(
            array("f", ((curve[at] + curve[at + 1]) / 2 for at in range(0, len(curve) - 1, 2)))
            for curve in self._curves
        )

    def curves(self) -> dict[str, list[float]]:
        """Each curve by its name, rounded for whoever reads it."""
        return {name: [round(value, 1) for value in curve] for name, curve in zip(CURVES, self._curves, strict=True)}
