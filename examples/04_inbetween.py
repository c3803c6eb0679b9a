"""Filling gaps, and a partial motion of your own.

Takes frames out of a clip and fills them again: by the model, by curves, and as a partial motion with a mask
of your own. Then it tells how far each is from the truth:

    python examples/04_inbetween.py clip.bvh
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import farandole as fa


def main(clip: Path | None = None, every: int = 15) -> dict[str, float]:
    """Mean distance of all joints from the original over missing frames, cm, by method."""
    if clip is None:
        from farandole.data.starter.groove.dancer import groove

        truth = groove(np.arange(120) / 30 * 100 / 60, seed=3)  # four seconds at 100 beats per minute
    else:
        truth = fa.load_motion(clip)
    known = np.arange(len(truth)) % every == 0
    known[-1] = True
    filled = {
        "model": fa.inbetween(truth, every=every),
        "curves": fa.inbetween(truth, every=every, method="hermite"),
        "partial motion": fa.complete(fa.PartialMotion(truth, known)),
    }
    for motion in filled.values():
        assert (motion.rotations[known] == truth.rotations[known]).all()  # kept frames are kept exactly
    return {
        name: 100 * float(np.linalg.norm(motion.positions - truth.positions, axis=-1)[~known].mean())
        for name, motion in filled.items()
    }


if __name__ == "__main__":
    for method, distance in main(Path(sys.argv[1]) if len(sys.argv) > 1 else None).items():
        print(f"{method:15s} {distance:.2f} cm")
