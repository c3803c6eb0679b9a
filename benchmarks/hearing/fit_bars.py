"""Fits how much each sign of a bar's beginning counts (music/beats/bars.py) and prints the weights.

    python benchmarks/hearing/fit_bars.py [--songs 110] [--cache FILE]

Songs at their true beats: new songs of known kinds, and of invented kinds that the network was not trained on; nothing of the
held-out kinds. Trust and slip are tried on halves that were left out.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import songs
from band import RATE
from invented import invented_kind

from farandole.music import Song
from farandole.music.beats import bars

SECONDS, FEWEST = 36.0, 20
NAMES = tuple(bars._CUES)


@dataclass(frozen=True, eq=False)
class Cues:
    """Signs of the beats of one song [K, S], which of them begin a bar [K], beats of a bar."""

    signs: np.ndarray
    downbeats: np.ndarray
    meter: int


def fitting_songs(count: int, cache: Path) -> list[Cues]:
    """The songs' cues, kept in the cache: they hold what the network says, so another network needs another file."""

    def every() -> Iterator[songs.MadeSong]:
        yield from songs.development(SECONDS, seed=71_000)
        for index in range(0, 2 * count, 2):
            yield songs.make(invented_kind(2000 + index, 47), 150_000 + index, SECONDS)

    if not cache.exists():
        found = []
        for song in every():
            if len(song.beats) >= FEWEST:
                frames = Song.from_samples(song.samples, RATE).frames
                cues = bars.beat_cues(frames, song.beats, frames.activation.marks)
                found.append(Cues(np.stack([cues[n] for n in NAMES], axis=1), song.downbeats, song.meter))
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_bytes(pickle.dumps(found))
    return pickle.loads(cache.read_bytes())


def logistic(chosen: list[Cues], decay: float = 1e-3, steps: int = 60) -> np.ndarray:
    """Weights of the signs and a bias by Newton's method, all songs counting the same, [S + 1]."""
    x = np.concatenate([np.column_stack([c.signs, np.ones(len(c.signs))]) for c in chosen])
    y = np.concatenate([c.downbeats for c in chosen]).astype(float)
    share = np.concatenate([np.full(len(c.downbeats), 1 / len(c.downbeats)) for c in chosen]) / len(chosen)
    theta = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ theta))
        slope = x.T @ (share * (p - y)) + decay * np.append(theta[:-1], 0)
        theta -= np.linalg.solve((x * (share * p * (1 - p))[:, None]).T @ x + decay * np.eye(len(theta)), slope)
    return theta


def judged(chosen: list[Cues], theta: np.ndarray, trust: float, slip: float) -> np.ndarray:
    """Mean F of the downbeats, and share of songs whose meter is right."""
    usual = bars._TRUST, bars._SLIP
    bars._TRUST, bars._SLIP = trust, slip
    rows = []
    for c in chosen:
        score = c.signs @ theta[:-1] + theta[-1]
        _, meter, counts = max((bars._count(score, meter) for meter in bars.METERS), key=lambda found: found[0])
        said = counts % meter == 0
        rows.append((2 * (said & c.downbeats).sum() / (said.sum() + c.downbeats.sum()), meter == c.meter))
    bars._TRUST, bars._SLIP = usual
    return np.mean(rows, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=110, help="of invented kinds, beside one of each known kind")
    parser.add_argument("--cache", type=Path, default=Path("build/hearing-bars.pkl"))
    options = parser.parse_args()
    chosen = fitting_songs(options.songs, options.cache)
    now = np.append([bars._CUES[n] for n in NAMES], bars._BIAS)
    print(
        f"{len(chosen)} songs; as it is: F {{:.3f}}, meter {{:.3f}}".format(
            *judged(chosen, now, bars._TRUST, bars._SLIP)
        )
    )
    halves = chosen[0::2], chosen[1::2]
    for trust in (0.3, 0.4, 0.55, 0.7):
        for slip in (4.0, 6.0, 9.0, 14.0):
            left_out = [judged(halves[1 - k], logistic(halves[k]), trust, slip) for k in (0, 1)]
            print(
                f"trust {trust}, slip {slip}, left out: F {{:.3f}}, meter {{:.3f}}".format(*np.mean(left_out, axis=0))
            )
    print(dict(zip((*NAMES, "bias"), logistic(chosen).round(2).tolist(), strict=True)))


if __name__ == "__main__":
    main()
