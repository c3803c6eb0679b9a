"""How good and how fast the beat tracker is: composed grids, and real music where ../shared holds it.

    python benchmarks/beats.py [--quick] [--seed N] [--shared FOLDER]

Prints one table each for composed songs and clicks (60 to 200 bpm), ballroom recordings with known grids, songs
against librosa, and timings. Measures: F = F-measure at 70 ms; CMLt and AMLt = share of beats in a correct continuity
(17.5 % of a period) at the grid's own metrical level, and at that level, double, half or off-beat (Hainsworth 2004;
Davies et al. 2009, MIREX conventions).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from farandole.data.songs import compose, genres
from farandole.music import Song, load_song, track_beats

TEMPI = (60.0, 75.0, 90.4, 105.0, 120.4, 135.0, 149.3, 170.0, 185.4, 200.0)


def f_measure(found: np.ndarray, true: np.ndarray, tolerance: float = 0.07) -> float:
    """F-measure, each beat matched at most once."""
    hits = i = j = 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / max(1, len(found) + len(true))


def levels(true: np.ndarray) -> dict[str, np.ndarray]:
    """A grid at its own, double and half tempo, and on the off-beat."""
    middle = (true[1:] + true[:-1]) / 2
    return {
        "own": true,
        "double": np.sort(np.concatenate([true, middle])),
        "half": true[::2],
        "half, odd": true[1::2],
        "off-beat": middle,
    }


def continuity(found: np.ndarray, true: np.ndarray) -> float:
    """Share of correct beats: within 17.5 % of the period, as is the one before, and the gap right too."""
    if len(found) < 2 or len(true) < 2:
        return 0.0
    nearest = np.abs(found[:, None] - true).argmin(axis=1)
    period = np.diff(true)[np.maximum(nearest - 1, 0)]
    close = np.abs(found - true[nearest]) < 0.175 * period
    gap = np.abs(np.diff(found) / period[1:] - 1) < 0.175
    correct = close[1:] & close[:-1] & gap & (np.diff(nearest) == 1)
    return float(correct.sum() / (max(len(found), len(true)) - 1))


def measures(found: np.ndarray, true: np.ndarray) -> tuple[float, float, float, float]:
    """F, best F over double and half, CMLt, AMLt."""
    grids = levels(true)
    octave = max(f_measure(found, grid) for name, grid in grids.items() if name != "off-beat")
    return (
        f_measure(found, true),
        octave,
        continuity(found, true),
        max(continuity(found, grid) for grid in grids.values()),
    )


def clicks(bpm: float, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A click track at 22050 Hz, and its times."""
    rng = np.random.default_rng(seed)
    times = np.arange(rng.uniform(0, 60 / bpm), seconds, 60 / bpm)
    t = np.arange(660) / 22050
    click = 0.7 * np.sin(2 * np.pi * rng.uniform(700, 3000) * t) * np.exp(-t / 0.008)
    out = np.zeros(round(seconds * 22050))
    for at in np.round(times * 22050).astype(int):
        end = min(at + len(click), len(out))
        out[at:end] += click[: end - at]
    return out, times


def composed(quick: bool, seed: int) -> None:
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for index, genre in enumerate((*genres(), "clicks")):
        for k, bpm in enumerate(TEMPI[:: 3 if quick else 1]):
            if genre == "clicks":
                samples, true = clicks(bpm, 40, k)
                down = None
            else:
                made = compose(bpm, 40, genre=genre, seed=seed + 37 * index + k, first_count=0.3 * k)
                samples, true, down = made.samples, made.beat_times, made.beat_times[made.downbeats]
            frames = Song.from_samples(samples, 22050).frames
            hinted, free = track_beats(frames, min_bpm=bpm / 1.4, max_bpm=bpm * 1.4), track_beats(frames)
            folded = free.folded(bpm / 1.4, bpm * 1.4)
            late = true - hinted.time_of(np.round(hinted.count_at(true)))
            late = late[np.abs(late) < 0.07]
            bars = np.nan if down is None else f_measure(hinted.times[hinted.downbeats], down)
            rows[genre].append((
                *measures(hinted.times, true)[::2], *measures(free.times, true)[:2], f_measure(folded.times, true),
                bars, hinted.clarity, -1e3 * float(np.median(late)) if len(late) else np.nan,
                1e3 * float(np.std(late)) if len(late) else np.nan,
            ))  # fmt: skip
    table(
        "Composed songs and clicks, 60 to 200 bpm",
        ["", "F hint", "CMLt", "F free", "F free, octave", "F folded", "F bars", "clarity", "late ms", "spread ms"],
        {
            name: np.nanmean(np.array(values), axis=0) if name != "clicks" else np.array(values).mean(axis=0)
            for name, values in rows.items()
        },
    )
    everything = np.concatenate([np.array(values) for values in rows.values()])
    print(
        f"share of songs with F >= 0.95: hint {np.mean(everything[:, 0] >= 0.95):.3f}, "
        f"free, octave {np.mean(everything[:, 3] >= 0.95):.3f}\n"
    )


def ballroom(shared: Path) -> None:
    folder = shared / "data" / "ballroom"
    manifest = json.loads((folder / "manifest.json").read_text())
    entries = [{"name": name, **entry} for name, entry in manifest.items()]
    rows: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for entry in entries:
        if entry["sync"] not in ("bar", "beat"):
            continue
        song = load_song(folder / f"{entry['name']}.ogg")
        true = np.arange(int(song.seconds * entry["bpm"] / 60) + 1) * 60.0 / entry["bpm"]
        hinted = song.beats_within(entry["bpm"] / 1.4, entry["bpm"] * 1.4)
        bars = f_measure(hinted.times[hinted.downbeats], true[::3]) if entry["sync"] == "bar" else np.nan
        meter = float(hinted.beats_per_bar == (3 if "waltz" in entry["name"] else 4))
        free = measures(song.beats.times, true)
        rows[entry["name"].split("_")[1]].append((
            *measures(hinted.times, true), free[0], free[3], bars, meter, hinted.clarity, abs(song.tempo / entry["bpm"]
            - 1) < 0.04,
        ))  # fmt: skip
    with np.errstate(all="ignore"):
        table(
            "Ballroom recordings with known grids (sync bar or beat)",
            [
                "",
                "F hint",
                "F octave",
                "CMLt",
                "AMLt",
                "F free",
                "AMLt free",
                "F bars",
                "meter",
                "clarity",
                "tempo free",
            ],
            {
                name: np.array([np.nan if np.isnan(c).all() else np.nanmean(c) for c in np.array(v, float).T])
                for name, v in rows.items()
            },
        )


def against_librosa(shared: Path) -> None:
    try:
        import librosa
    except ImportError:
        print("librosa is not installed: no comparison with it\n")
        return
    names = sorted((shared / "data" / "songs").glob("*.mp3")) + sorted(
        (shared / "data" / "ballroom").glob("*chacha*.ogg")
    )
    rows = {}
    for path in names:
        song = load_song(path)
        begun = time.perf_counter()
        tempo, times = librosa.beat.beat_track(y=song.samples, sr=song.sample_rate, units="time")
        theirs = time.perf_counter() - begun
        begun = time.perf_counter()
        ours = track_beats(song.frames)
        mine = time.perf_counter() - begun
        found = ours.times[(ours.times >= times[0] - 0.3) & (ours.times <= times[-1] + 0.3)]
        rows[path.stem] = np.array(
            [ours.tempo, float(np.atleast_1d(tempo)[0]), *measures(found, times), ours.clarity, mine, theirs]
        )
    table("Agreement with librosa.beat.beat_track (its beats as the grid)",
          ["", "our bpm", "its bpm", "F", "F octave", "CMLt", "AMLt", "clarity", "our s", "its s"], rows)  # fmt: skip


def timings(quick: bool) -> None:
    print("Timings")
    for seconds in (60, 600) if not quick else (60,):
        begun = time.perf_counter(), time.process_time()
        made = compose(122, seconds, genre="house", seed=3)
        print(
            f"  compose {seconds} s: {time.perf_counter() - begun[0]:.2f} s wall, {time.process_time() - begun[1]:.2f} s CPU"
        )
        begun = time.perf_counter(), time.process_time()
        song = Song.from_samples(made.samples, made.sample_rate)
        _ = song.beats
        print(
            f"  analyse {seconds} s: {time.perf_counter() - begun[0]:.2f} s wall, {time.process_time() - begun[1]:.2f} s CPU"
        )


def table(title: str, head: list[str], rows: dict[str, np.ndarray]) -> None:
    """Print a table with the mean of its rows last."""
    print(title)
    print(f"{head[0]:28s}" + "".join(f"{column:>15s}" for column in head[1:]))
    for name, values in rows.items():
        print(f"{name:28s}" + "".join(f"{value:15.3f}" for value in values))
    with np.errstate(all="ignore"):
        mean = np.nanmean(np.stack(list(rows.values())), axis=0)
    print(f"{'mean':28s}" + "".join(f"{value:15.3f}" for value in mean) + "\n")


def main() -> int:
    """Run everything that can be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer composed songs, no 10 min song")
    parser.add_argument(
        "--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared", help="folder of recordings"
    )
    parser.add_argument("--seed", type=int, default=1000, help="of the first composed song: another gives other songs")
    options = parser.parse_args()
    composed(options.quick, options.seed)
    if (options.shared / "data" / "ballroom").is_dir():
        ballroom(options.shared)
        against_librosa(options.shared)
    else:
        print(f"no recordings in {options.shared}: real music is left out\n")
    timings(options.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
