"""A live loop of your own.

Sound goes in block by block, poses come out when they are due: what a game, an installation or a plug-in
does. Here the blocks come from a composed song, as fast as they are taken.
"""

from __future__ import annotations

import numpy as np

import farandole as fa
from farandole.data.starter.songs import compose
from farandole.live import LiveFrame


def main(seconds: float = 15.0, size: int = 1024) -> list[LiveFrame]:
    """All frames that were danced to blocks of `size` samples."""
    made = compose(124, seconds, genre="house", seed=5)
    live = fa.Live(sample_rate=made.sample_rate, fps=30, seed=1)
    frames = []
    for start in range(0, len(made.samples), size):  # a program would wait for its microphone here
        for frame in live.push(made.samples[start : start + size].astype(np.float32)):
            frames.append(frame)  # and pose its character here: frame.rotations, frame.root
            if len(frames) % 90 == 0:
                doing = "waits" if frame.standing else "dances"
                print(f"{frame.time:5.1f} s: {doing}, count {frame.count:.1f}, {frame.tempo:.0f} bpm")
    return frames


if __name__ == "__main__":
    main()
