"""How long `farandole evaluate` takes: by default a thousand clips of 20 s at 60 fps, on every processor there is.

    python benchmarks/evaluation.py SALSA [--clips 1000] [--workers 2]

SALSA is the folder with the recordings of the CMU salsa couple. The clips are BVH files cut from them with beat files beside them,
varied so that no two are equal. Target: under 120 s on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

SECONDS, FPS = 20.0, 60.0


def write_clips(salsa: Path, folder: Path, count: int) -> None:
    """Cut, turn and write `count` clips."""
    from farandole.data.starter.salsa import salsa_takes
    from farandole.motion import rotations as rot

    takes = [take for take in salsa_takes(salsa) if take.motion.seconds > SECONDS + 1]
    rng = np.random.default_rng(0)
    for i in range(count):
        take = takes[i % len(takes)]
        start = int(rng.integers(0, len(take.motion) - round((SECONDS + 0.1) * take.motion.fps)))
        part = (
            take.motion.slice(start, start + round((SECONDS + 0.1) * take.motion.fps))
            .resample(FPS)
            .slice(0, round(SECONDS * FPS))
        )
        around = rot.from_yaw(np.full(len(part), rng.uniform(-np.pi, np.pi)))
        local = part.rotations.copy()
        local[:, 0] = rot.multiply(around, local[:, 0])
        clip = replace(part, rotations=local, root_positions=rot.rotate(around, part.root_positions))
        clip.save(folder / f"clip{i:04d}.bvh")
        beats = {"bpm": take.bpm, "count_at_0": take.count_at_0 + start / take.motion.fps * take.bpm / 60}
        (folder / f"clip{i:04d}.beats.json").write_text(json.dumps(beats))


def main() -> None:
    """Write clips, evaluate them, print seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("salsa", type=Path, metavar="SALSA")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    from farandole.evaluation.reporting.dance_report import evaluate
    from farandole.evaluation.reporting.dance_report_files import write_report

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clips"
        folder.mkdir()
        begun = time.perf_counter()
        write_clips(options.salsa, folder, options.clips)
        print(f"{options.clips} clips of {SECONDS:g} s at {FPS:g} fps written in {time.perf_counter() - begun:.1f} s")
        begun = time.perf_counter()
        report = evaluate(folder, "starter", workers=options.workers)
        write_report(report, Path(scratch) / "report")
        seconds = time.perf_counter() - begun
        usage = os.times()
    print(
        f"evaluated in {seconds:.1f} s by {options.workers} processes: {1000 * seconds / options.clips:.0f} s per thousand clips"
    )
    print(
        f"processor time of the whole benchmark {sum(usage[:4]):.0f} s, of the measuring processes {usage.children_user:.0f} s"
    )
    run = report.runs[0].figures.values
    print(
        "  ".join(
            f"{name} {run[name].value:.4g}" for name in ("fid_k", "fid_g", "dist_k", "bas_bailando", "pfc", "coherence")
        )
    )


if __name__ == "__main__":
    main()
