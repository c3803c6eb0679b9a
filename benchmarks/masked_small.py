"""Masked models measured on held-out sequences: gaps beside slerp and hermite, and a minute of continuation.

    OMP_NUM_THREADS=1 python benchmarks/masked_small.py DATA RUN [RUN ...] [--split test] [--future 60] [--seeds 3] [--music own]
        [--parts] [--temperature 1] [-o report.json]

Every sequence of the split is cut into windows as long as a run takes; the same frames are hidden for all. `every n`: frames 0, n,
2 n ... and the last are visible. `gap n`: ten frames visible, n hidden, ten visible, and so on. Errors are mean distances of joints
in hidden frames, cm. Groups are the styles of the folder (farandole prepare folder --labels). --future: so many seconds go on from
the first frames of every sequence that lasts as long, to its own music; the mean joint speed of every ten seconds is told as a
share of that of the sequence itself. --music other: each sequence is filled to the music of the one after it in the split, which
tells whether a model makes use of what it hears; mean: to the mean of all music at every frame.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from farandole.data.feature_folder import FeatureFolder
from farandole.generation.completer import MOTION, FeatureJob, GenerationSettings
from farandole.generation.completion import open_model
from farandole.generation.masked.masked_filler import MUSIC, MaskedFiller
from farandole.generation.masked.masked_windows import fill_window, orthonormal
from farandole.models.layers.curves import hermite
from farandole.models.layers.filling import fill
from farandole.models.matrix_body import MatrixBody
from farandole.motion.interpolation import REACH

SHORTEST = 32
"""Frames of the shortest window."""
PIECE = 10.0
"""Seconds of motion that are measured as one."""
PARTS = {"nothing": None, "path": slice(-3, None), "turns of the root": slice(0, 9), "other joints": slice(9, -3)}
"""Columns that are given as they truly are, to see what is left of an error."""
Fill = Callable[[np.ndarray, np.ndarray, "np.ndarray | None"], np.ndarray]
"""Features [T, D], hidden frames [T] bool and music [T, A] or None -> features with the hidden frames filled."""


def patterns(frames: int) -> dict[str, np.ndarray]:
    """Which frames are hidden, [T] bool, by name."""
    t = np.arange(frames)
    made = {f"every {n}": t % n != 0 for n in (5, 10, 15, 30)}
    made |= {f"gap {n}": t % (n + 10) >= 10 for n in (5, 15, 30)}
    for hidden in made.values():
        hidden[[0, -1]] = False
    return {name: hidden for name, hidden in made.items() if hidden.any()}


def formula(kind: Callable[..., torch.Tensor], *options: float) -> Fill:
    """A fill without a network."""

    def act(motion: np.ndarray, hidden: np.ndarray, music: np.ndarray | None) -> np.ndarray:
        flags = torch.as_tensor(hidden, dtype=torch.float64)[None, :, None]
        return kind(torch.as_tensor(motion, dtype=torch.float64)[None], flags, *options)[0].numpy()

    return act


def network(filler: MaskedFiller) -> Fill:
    """A model as a fill."""

    def act(motion: np.ndarray, hidden: np.ndarray, music: np.ndarray | None) -> np.ndarray:
        scaled = filler.scale(MOTION, motion)
        heard = None if music is None else filler.scale(MUSIC, music)
        made = fill_window(filler.session, filler.facts, scaled, hidden, heard)
        return filler.unscale(orthonormal(made))

    return act


class Held:
    """The sequences of a split."""

    def __init__(self, folder: Path, split: str, music: str = "own") -> None:
        self.corpus, self.heard = FeatureFolder(folder), music
        self.names = self.corpus.split(split)
        self.body = MatrixBody(self.corpus.skeleton).double()

    def group(self, name: str) -> str:
        """Style of a sequence."""
        return str(self.corpus.sequences[name].get("style", "all"))

    def motion(self, name: str) -> np.ndarray:
        """Features [T, 9 J + 3]."""
        return np.asarray(self.corpus.load(name, "rotmat"), dtype=float)

    def places(self, features: np.ndarray) -> np.ndarray:
        """Joint positions [T, J, 3] m."""
        return self.body(torch.as_tensor(features, dtype=torch.float64)).numpy()

    def music(self, name: str, filler: MaskedFiller) -> np.ndarray | None:
        """Features [T, A], where the model hears them."""
        if not filler.checkpoint.abilities.music:
            return None
        feature, frames = filler.checkpoint.feature(MUSIC), self.corpus.sequences[name]["frames"]
        if self.heard == "mean":
            return np.repeat(np.asarray(filler.checkpoint.scalers[MUSIC].mean, dtype=float)[None], frames, axis=0)
        if self.heard == "other":
            name = self.names[(self.names.index(name) + 1) % len(self.names)]
        return np.resize(np.asarray(self.corpus.load(name, feature), dtype=float), (frames, self.columns(feature)))

    def columns(self, feature: str) -> int:
        """Width of a feature."""
        return len(self.corpus.features[feature])


def errors(held: Held, filler: MaskedFiller) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Pattern -> group -> method -> sums of distances of joints in cm, and number of hidden frames."""
    fps, window = held.corpus.fps, filler.facts.window
    fills = {"slerp": formula(fill), "hermite": formula(hermite, REACH * fps), "model": network(filler)}
    sums: Any = defaultdict(lambda: defaultdict(lambda: {name: [0.0, 0] for name in fills}))
    for name in held.names:
        motion, music = held.motion(name), held.music(name, filler)
        length = min(window, len(motion))
        for first in range(0, len(motion) - length + 1 if length >= SHORTEST else 0, length - 1):
            part = slice(first, first + length)
            truth = held.places(motion[part])
            for pattern, hidden in patterns(length).items():
                for method, act in fills.items():
                    made = held.places(act(motion[part], hidden, None if music is None else music[part]))
                    apart = 100 * np.linalg.norm(made - truth, axis=-1).mean(axis=-1)[hidden]
                    for group in (held.group(name), "all"):
                        sums[pattern][group][method][0] += float(apart.sum())
                        sums[pattern][group][method][1] += len(apart)
    return {p: {g: dict(m) for g, m in groups.items()} for p, groups in sums.items()}


def parts(held: Held, filler: MaskedFiller, every: int = 15) -> dict[str, dict[str, float]]:
    """Method -> what is given as it truly is -> distance of joints in hidden frames, cm; and that of the root alone."""
    fills = {"slerp": formula(fill), "hermite": formula(hermite, REACH * held.corpus.fps), "model": network(filler)}
    sums: Any = {method: defaultdict(float) for method in fills}
    window, count = filler.facts.window, 0
    hidden = patterns(window)[f"every {every}"]
    for name in held.names:
        motion, music = held.motion(name), held.music(name, filler)
        for first in range(0, len(motion) - window + 1, window - 1):
            part = slice(first, first + window)
            truth = held.places(motion[part])[hidden]
            count += int(hidden.sum())
            for method, act in fills.items():
                made = act(motion[part], hidden, None if music is None else music[part])
                for given, columns in PARTS.items():
                    mixed = np.array(made)
                    if columns is not None:
                        mixed[:, columns] = motion[part][:, columns]
                    apart = np.linalg.norm(held.places(mixed)[hidden] - truth, axis=-1)
                    sums[method][given] += 100 * float(apart.mean(axis=-1).sum())
                    if columns is None:
                        sums[method]["root alone"] += 100 * float(apart[:, 0].sum())
    return {method: {name: total / max(count, 1) for name, total in by.items()} for method, by in sums.items()}


def table(sums: dict[str, dict[str, dict[str, list[float]]]]) -> list[str]:
    """Rows of a table, one per pattern and group."""
    rows = [
        "| pattern | group | frames | slerp | hermite | model | nearer than slerp |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for pattern, groups in sums.items():
        for group in sorted(groups, key=lambda g: (g != "all", g)):
            mean = {m: total / max(count, 1) for m, (total, count) in groups[group].items()}
            figures = " | ".join(f"{mean[m]:.2f}" for m in ("slerp", "hermite", "model"))
            share = 100 * (1 - mean["model"] / mean["slerp"])
            rows.append(f"| {pattern} | {group} | {groups[group]['slerp'][1]} | {figures} | {share:.0f} % |")
    return rows


def speeds(places: np.ndarray, fps: float) -> np.ndarray:
    """Mean joint speed of every ten seconds, m/s."""
    step = np.linalg.norm(np.diff(places, axis=0), axis=-1).mean(axis=-1) * fps
    count = max(1, round(len(step) / (PIECE * fps)))
    return np.array([piece.mean() for piece in np.array_split(step, count)])


def futures(
    held: Held, filler: MaskedFiller, seconds: float, seeds: int, longest: int, temperature: float = 1.0
) -> list[dict[str, Any]]:
    """Continuations of the sequences that last as long."""
    fps, known = held.corpus.fps, filler.facts.known
    frames, rows = round(seconds * fps), []
    long = [
        n
        for n in held.names
        if len(held.motion(n)) >= (known + frames if filler.checkpoint.abilities.music else 2 * known)
    ]
    for name in long[:longest]:
        motion, music = held.motion(name), held.music(name, filler)
        real = float(speeds(held.places(motion), fps).mean())
        arrays = {MOTION: filler.scale(MOTION, motion[:known])}
        if music is not None:
            arrays[MUSIC] = filler.scale(MUSIC, music)
        for seed in range(seeds):
            settings = GenerationSettings(seed=seed, temperature=temperature)
            made = filler.generate([FeatureJob(f"{name} {seed}", arrays)], frames, settings)[0]
            places = held.places(filler.unscale(made))
            shares = speeds(places, fps) / real
            height = places[:, 0, 1] - np.median(held.places(motion)[:, 0, 1])
            far = np.linalg.norm(places[:, 0, [0, 2]] - places[0, 0, [0, 2]], axis=-1).max()
            rows.append(
                {
                    "sequence": name,
                    "group": held.group(name),
                    "seed": seed,
                    "real": real,
                    "shares": [round(float(s), 3) for s in shares],
                    "height": [round(float(height.min()), 3), round(float(height.max()), 3)],
                    "farthest": round(float(far), 2),
                    "lowest": round(float(places[..., 1].min()), 3),
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--split", default="test")
    parser.add_argument("--future", type=float, default=0.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sequences", type=int, default=8, help="of --future, at most")
    parser.add_argument("--no-gaps", action="store_true")
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--music", choices=("own", "other", "mean"), default="own")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    held, report = Held(options.data, options.split, options.music), {}
    for run in options.runs:
        filler = open_model(run)
        if not isinstance(filler, MaskedFiller):
            raise SystemExit(f"{run} is no masked model")
        print(f"\n{run.name}: {filler.checkpoint.config.model}, {filler.checkpoint.config.parameters} parameters")
        found: dict[str, Any] = {}
        if not options.no_gaps:
            found["gaps"] = errors(held, filler)
            print("\n".join(table(found["gaps"])), flush=True)
        if options.parts:
            found["parts"] = parts(held, filler)
            for method, by in found["parts"].items():
                print(f"{method}: " + ", ".join(f"{given} {cm:.2f}" for given, cm in by.items()), flush=True)
        if options.future:
            found["futures"] = futures(
                held, filler, options.future, options.seeds, options.sequences, options.temperature
            )
            for row in found["futures"]:
                print(json.dumps(row), flush=True)
            shares = [s for row in found["futures"] for s in row["shares"]]
            within = sum(0.6 <= s <= 1.4 for s in shares)
            print(
                f"speed of ten seconds as a share of the sequence's: {min(shares):.2f} to {max(shares):.2f}", end=", "
            )
            print(f"{within} of {len(shares)} within 0.6 to 1.4, mean {np.mean(shares):.2f}")
        report[run.name] = found
    if options.out:
        options.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
