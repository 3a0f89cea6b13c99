"""PESQ of what was heard against what was said."""


def score(said: bytes, heard: bytes, rate_hz: int) -> float:
    """MOS-LQO from 1 to 4.5 (4.64 wide band); imports numpy and pesq only here."""
    import numpy  # noqa: PLC0415
    from pesq import pesq  # noqa: PLC0415

    mode = "nb" if rate_hz == 8000 else "wb"
    return float(pesq(rate_hz, numpy.frombuffer(said, "<i2"), numpy.frombuffer(heard, "<i2"), mode))
