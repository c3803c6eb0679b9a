"""How well the offline tracker finds beats and bars: synthesised songs, real ballroom music where it is at hand, librosa beside.

python benchmarks/hearing/offline.py [--set development|held_out|composed|ballroom] [--rounds N] [--librosa] [--shared FOLDER]
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import songs
from band import RATE
from live import chosen, row
from measures import table

from farandole.music import Song, load_song

HEAD = ["F", "CMLt", "AMLt", "F down", "Acc1", "Acc2", "offset ms"]


def ballroom(shared: Path):
    """Real dances whose beats are known; see the manifest's `sync`."""
    folder = shared / "data" / "ballroom"
    for name, entry in json.loads((folder / "manifest.json").read_text()).items():
        if entry["sync"] not in ("bar", "beat"):
            continue
        song = load_song(folder / f"{name}.ogg")
        beats = np.arange(int(song.seconds * entry["bpm"] / 60) + 1) * 60.0 / entry["bpm"]
        meter = 3 if "waltz" in name else 4
        down = np.arange(len(beats)) % meter == 0 if entry["sync"] == "bar" else np.zeros(len(beats), bool)
        yield songs.MadeSong(f"{name.split('_')[1]} {name}", song.samples, beats, down, meter, "real", "none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="development")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--librosa", action="store_true")
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    options = parser.parse_args()
    source = (
        ballroom(options.shared) if options.set == "ballroom" else chosen(options.set, options.rounds, options.seconds)
    )
    trackers = ["farandole", *(["librosa"] if options.librosa else [])]
    rows = {name: defaultdict(list) for name in trackers}
    meters, warned, seconds, cpu = [], [], 0.0, defaultdict(float)
    for made in source:
        seconds += len(made.samples) / RATE
        begun = time.process_time()
        beats = Song.from_samples(made.samples, RATE).beats
        cpu["farandole"] += time.process_time() - begun
        kind = made.name.split()[0]
        values = row(beats.times, beats.times[beats.downbeats], made)[:-1]
        rows["farandole"][kind].append(values if made.downbeats.any() else [*values[:3], np.nan, *values[4:]])
        meters.append(beats.beats_per_bar == made.meter)
        warned.append((values[1], beats.confidence))
        if options.librosa:
            import librosa

            begun = time.process_time()
            times = librosa.beat.beat_track(y=made.samples, sr=RATE, units="time")[1]
            cpu["librosa"] += time.process_time() - begun
            rows["librosa"][kind].append(row(times, np.array([]), made)[:-1])
    for name in trackers:
        every = np.concatenate([np.array(v) for v in rows[name].values()])
        table(
            f"{name}, {options.set}",
            ["", *HEAD],
            {k: np.nanmean(np.array(v), axis=0) for k, v in rows[name].items()},
            mean=False,
        )
        print(
            f"{name}, all {len(every)}: "
            + ", ".join(f"{h} {v:.3f}" for h, v in zip(HEAD, np.nanmean(every, axis=0), strict=True))
        )
        print(f"  {60 * cpu[name] / seconds:.2f} s of CPU per minute")
    wrong = np.array(warned)
    low = wrong[:, 0] < 0.5
    share = lambda chosen: float(np.mean(wrong[chosen, 1] < 0.5)) if chosen.any() else float("nan")  # noqa: E731
    print(
        f"bars right {np.mean(meters):.3f}; {low.sum()} songs of CMLt < .5, confidence < .5 in {share(low):.2f} of them "
        f"and in {share(~low):.2f} of the others"
    )


if __name__ == "__main__":
    main()
