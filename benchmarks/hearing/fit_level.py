"""Fits what chooses the level of the beat and what tells how far to trust it; writes music/beats/fitted_weights.py.

    python benchmarks/hearing/fit_level.py [--songs 270] [--cache FOLDER] [--shared FOLDER] [--folds 5] [-o FILE]

Songs: invented kinds that the network was not trained on, new songs of known kinds, songs of `compose`, bare drums, and real
ballroom music where it is at hand (which counts more). Nothing of the held-out kinds. `--folds` shows what songs that were left out
would gain.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import songs
import torch
from band import RATE
from invented import invented_kind
from measures import continuity, f_measure
from offline import ballroom

import farandole.music.beats.tracking as tracking
from farandole.music import Song
from farandole.music.beats.level import FASTEST, SLOWEST, kind_of, levels
from farandole.music.beats.level_signs import level_signs
from farandole.music.beats.tracking import BeatTracker
from farandole.music.onsets import RISE_DELAY, FrameFeatures

COUNTS = {"ballroom": 6.0, "comp": 4.0}  # how much a song of these counts; others 1
KINDS = ("found", "double", "even", "odd", "off", "triple", "third", "two_thirds", "three_halves")
OUT = Path("src/farandole/music/beats/fitted_weights.py")


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of one song: signs [L, S], CMLt and F of each [L], where the song comes from."""

    signs: np.ndarray
    right: np.ndarray
    f: np.ndarray
    source: str


def composed() -> Iterator[songs.MadeSong]:
    from farandole.data.starter.songs import compose, genres

    for index in range(2):
        for genre in genres():
            rng = np.random.default_rng([500 + index, len(genre)])
            bpm = float(rng.uniform(150, 215)) if genre == "salsa" else float(rng.uniform(80, 140))
            made = compose(bpm, 40.0, genre=genre, seed=500 + index, first_count=float(rng.uniform(0, 4)))
            yield songs.MadeSong(genre, made.samples, made.beat_times, made.downbeats, 4, "steady", "none")


def bare(seconds: float) -> Iterator[songs.MadeSong]:
    """Nothing but a drum on each beat: kick and snare in turn, kicks, clicks; 66 to 174 beats per minute."""
    t = np.arange(0.15 * RATE) / RATE
    for index in range(36):
        rng = np.random.default_rng(900 + index)
        kick = np.sin(2 * np.pi * rng.uniform(45, 70) * t) * np.exp(-t / 0.03)
        snare = rng.uniform(0.3, 0.7) * rng.standard_normal(len(t)) * np.exp(-t / 0.03)
        click = np.sin(2 * np.pi * rng.uniform(800, 2500) * t) * np.exp(-t / 0.01)
        drums = ((kick, snare), (kick, kick), (click, click), (kick, snare))[index % 4]
        beats = np.arange(rng.uniform(0, 0.4), seconds - 0.2, 60 / (66 + 3 * index))
        samples = 0.001 * rng.standard_normal(round(seconds * RATE))
        for k, at in enumerate(np.round(beats * RATE).astype(int)):
            samples[at : at + len(t)] += 0.7 * drums[k % 2][: len(samples) - at]
        bars = np.arange(len(beats)) % 4 == 0
        yield songs.MadeSong("bare", samples.astype(np.float32), beats, bars, 4, "steady", "none")


def fitting_songs(count: int, cache: Path, shared: Path) -> Iterator[tuple[str, FrameFeatures, np.ndarray]]:
    """Source, frame features and beats of each song; kept in the cache."""
    known = songs.training_kinds()

    def another(i: int) -> songs.MadeSong:
        kind = known[i // 2 * 7 % len(known)] if i % 2 == 0 else invented_kind(1000 + i, 47)
        return songs.make(kind, 140_000 + i, 32.0)

    makers: list[tuple[str, Callable[[], Iterator[songs.MadeSong]]]] = [
        ("comp", composed),
        ("bare", lambda: bare(20.0)),
        ("dev", lambda: songs.development(40.0)),
        ("inv", lambda: (songs.make(invented_kind(i, 47), 120_000 + i, 40.0) for i in range(110))),
        ("more", lambda: (another(i) for i in range(count))),
    ]
    if (shared / "data" / "ballroom").is_dir():
        makers.insert(0, ("ballroom", lambda: ballroom(shared)))
    cache.mkdir(parents=True, exist_ok=True)
    for source, make in makers:
        done = cache / f"{source}_{count if source == 'more' else 0}.pkl"
        if not done.exists():
            made = [(Song.from_samples(s.samples, RATE).frames, s.beats) for s in make()]
            done.write_bytes(pickle.dumps(made))
        for frames, beats in pickle.loads(done.read_bytes()):
            yield source, frames, beats


class _Grabbed(Exception):
    pass


def judged(frames: FrameFeatures, beats: np.ndarray, source: str) -> Levels | None:
    """The levels that the tracker would choose from, and how right each is."""
    held = []

    def grab(path, evidence, low, high):
        held.append((path, evidence))
        raise _Grabbed

    usual, tracking.best_level = tracking.best_level, grab
    try:
        BeatTracker(frames).beats()
    except _Grabbed:
        pass
    finally:
        tracking.best_level = usual
    if not held or len(held[0][0]) < 8:
        return None
    path, evidence = held[0]
    rows, right, f = [], [], []
    for name, level in levels(path).items():
        if name != "found" and not SLOWEST <= 60 * evidence.fps / np.median(np.diff(level)) <= FASTEST:
            continue
        times = level / evidence.fps - RISE_DELAY
        rows.append([*level_signs(level, evidence).values(), *(float(kind_of(name) == kind) for kind in KINDS)])
        right.append(continuity(times, beats)[0])
        f.append(f_measure(times, beats))
    return Levels(np.array(rows, np.float32), np.array(right), np.array(f), source)


def fit(chosen: list[Levels], decay: float, steps: int = 300) -> np.ndarray:
    """Weights of the signs: softmax over the levels of a song, for the greatest expected rightness."""
    every = np.concatenate([c.signs for c in chosen])
    scale = 1 / (every.std(axis=0) + 1e-3)
    size = max(len(c.right) for c in chosen)
    x, gain = torch.zeros(len(chosen), size, every.shape[1]), torch.full((len(chosen), size), -1.0)
    for k, c in enumerate(chosen):
        x[k, : len(c.right)] = torch.tensor(c.signs * scale)
        gain[k, : len(c.right)] = torch.tensor(0.8 * c.right + 0.2 * c.f, dtype=torch.float32)
    there = gain >= 0
    best = gain.max(dim=1).values
    least = torch.where(there, gain, best[:, None]).min(dim=1).values
    counts = torch.tensor([COUNTS.get(c.source, 1.0) for c in chosen]) * (best - least > 0.1)
    gain = torch.where(there, gain, 0.0) / best.clamp(min=0.05)[:, None]
    weights = torch.zeros(every.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([weights], lr=0.03)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 0.03 * (1 - step / steps) + 1e-4
        share = torch.softmax((x @ weights).masked_fill(~there, -1e9), dim=1)
        loss = -(counts * torch.log((share * gain).sum(dim=1) + 0.02)).sum() / counts.sum()
        loss = loss + decay * (weights**2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return weights.detach().numpy().astype(float) * scale


def picked(weights: np.ndarray, chosen: list[Levels]) -> np.ndarray:
    """Of each song: CMLt and F of the level that is chosen, and of the best."""
    out = []
    for c in chosen:
        k, best = int((c.signs @ weights).argmax()), int((c.right + 0.1 * c.f).argmax())
        out.append([c.right[k], c.f[k], c.right[best], c.f[best]])
    return np.array(out)


def report(title: str, chosen: list[Levels], found: np.ndarray) -> None:
    for source in sorted({c.source for c in chosen}):
        mean = found[[c.source == source for c in chosen]].mean(axis=0)
        print(
            f"{title} {source}: CMLt {mean[0]:.3f} F {mean[1]:.3f}, best level {mean[2]:.3f} {mean[3]:.3f}", flush=True
        )


def trusted(frames: FrameFeatures, beats: np.ndarray) -> tuple[dict[str, float], float] | None:
    """Signs of confidence and CMLt of the beats that are found."""
    held = []

    def grab(signs):
        held.append(signs)
        return 1.0

    usual, tracking.confidence_of = tracking.confidence_of, grab
    try:
        found = BeatTracker(frames).beats()
    finally:
        tracking.confidence_of = usual
    return (held[0], continuity(found.times, beats)[0]) if held else None


def fit_confidence(
    x: np.ndarray, wrong: np.ndarray, counts: np.ndarray, decay: float = 0.02
) -> tuple[np.ndarray, float]:
    """Logistic weights and bias of what separates right from wrong; both classes count the same."""
    mean, scale = x.mean(axis=0), 1 / (x.std(axis=0) + 1e-3)
    inputs, target = torch.tensor((x - mean) * scale, dtype=torch.float32), torch.tensor(~wrong, dtype=torch.float32)
    counts = torch.tensor(
        np.where(wrong, counts / counts[wrong].sum(), counts / counts[~wrong].sum()), dtype=torch.float32
    )
    weights, bias = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=200)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        logits = inputs @ weights + bias
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, weight=counts, reduction="sum")
        loss = loss + decay * (weights**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    fitted = weights.detach().numpy().astype(float) * scale
    return fitted, float(bias.detach()[0]) - float(fitted @ mean)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=270, help="half of new kinds, half of known ones, beside the rest")
    parser.add_argument("--cache", type=Path, default=Path("build/hearing-levels"))
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument(
        "--warned", type=float, default=0.82, help="share of wrong songs that confidence should warn of"
    )
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    heard = list(fitting_songs(options.songs, options.cache, options.shared))
    chosen = [c for source, frames, beats in heard if (c := judged(frames, beats, source)) is not None]
    fold = np.arange(len(chosen)) % max(options.folds, 1)
    if options.folds:
        found = np.zeros((len(chosen), 4))
        for k in range(options.folds):
            weights = fit([c for c, part in zip(chosen, fold, strict=True) if part != k], options.decay)
            found[fold == k] = picked(weights, [c for c, part in zip(chosen, fold, strict=True) if part == k])
        report("left out", chosen, found)
    weights = fit(chosen, options.decay)
    report("fitted", chosen, picked(weights, chosen))
    names = [*_names(), *(f"is_{kind}" for kind in KINDS)]
    level = dict(zip(names, weights.round(3).tolist(), strict=True))
    tracking.best_level.__globals__["WEIGHTS"].clear()
    tracking.best_level.__globals__["WEIGHTS"].update(level)
    rows = [(source, *t) for source, frames, beats in heard if (t := trusted(frames, beats)) is not None]
    x = np.array([list(signs.values()) for _, signs, _ in rows])
    wrong = np.array([right < 0.5 for *_, right in rows])
    counts = np.array([COUNTS.get(source, 1.0) for source, *_ in rows])
    fitted, bias = fit_confidence(x, wrong, counts)
    bias -= float(np.quantile((x @ fitted + bias)[wrong], options.warned))
    low = x @ fitted + bias < 0
    print(
        f"low confidence in {low[wrong].mean():.2f} of {wrong.sum()} wrong songs, in {low[~wrong].mean():.2f} of the others"
    )
    trust = dict(zip(rows[0][1], fitted.round(3).tolist(), strict=True))
    write(options.out, level, trust, round(bias, 3), len(heard))


def _names() -> list[str]:
    noise = songs.make(songs.training_kinds()[0], 1, 8.0)
    frames, held = Song.from_samples(noise.samples, RATE).frames, []
    tracker = BeatTracker(frames)
    held.extend(level_signs(np.arange(20, 400, 40), tracker.evidence))
    return held


def write(path: Path, level: dict[str, float], trust: dict[str, float], bias: float, count: int) -> None:
    lines = [
        '"""Weights that benchmarks/hearing/fit_level.py fitted and wrote."""',
        "",
        "WEIGHTS = {",
        *(f'    "{name}": {value},' for name, value in level.items()),
        "}",
        f'"""Of the signs of a level, and of its kind against the level found: choice among the levels of {count} songs."""',
        "CONFIDENCE = {",
        *(f'    "{name}": {value},' for name, value in trust.items()),
        "}",
        f"CONFIDENCE_BIAS = {bias}",
        '"""Logistic fit on the same songs of what separates beats of CMLt above 0.5 from others."""',
    ]
    part = path.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n")
    part.replace(path)


if __name__ == "__main__":
    main()
