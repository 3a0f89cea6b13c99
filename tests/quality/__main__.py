"""Listening quality of our receiver behind bad networks: `python -m tests.quality [--codec NAME ...]`, as a table.

PESQ (ITU-T P.862; P.862.2 for wide-band codecs) by the package pesq, which `firmware_scripts/prepare quality` installs
with the speech. The network is simulated, so that a table of seventeen conditions takes a minute.
"""

import argparse
import sys
from statistics import fmean

from tests.quality.impairment import CONDITIONS, Network
from tests.quality.listening import listen
from tests.quality.scoring import score
from tests.quality.speech import SPEAKERS, clip

SEEDS = (1, 2)


def row(codecs: list[str], network: Network) -> list[str]:
    cells = []
    for codec in codecs:
        scores = []
        for speaker in SPEAKERS:
            for seed in SEEDS:
                sound, rate_hz = clip(speaker, codec)
                scores.append(score(sound, listen(codec, sound, network, seed).sound, rate_hz))
        cells.append(f"{fmean(scores):.2f} ({min(scores):.2f})")
    return [network.name, *cells]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.quality", description=__doc__.splitlines()[0])
    parser.add_argument("--codec", action="append", help="a codec of media.codecs; may be repeated")
    parser.add_argument("--condition", action="append", help="a line of the table, e.g. 'loss 3 %%'")
    options = parser.parse_args()
    codecs = options.codec or ["PCMU", "OPUS", "G722"]
    out = sys.stdout
    out.write("| mean PESQ-LQO (worst) |" + "".join(f" {codec} |" for codec in codecs) + "\n")
    out.write("|---|" + "---|" * len(codecs) + "\n")
    for network in CONDITIONS:
        if not options.condition or network.name in options.condition:
            out.write("| " + " | ".join(row(codecs, network)) + " |\n")
            out.flush()


if __name__ == "__main__":
    main()
