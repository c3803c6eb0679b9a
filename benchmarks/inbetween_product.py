"""What `farandole inbetween` costs as a whole process: a 60 s clip with every 15th frame kept, BVH and page written.

    python benchmarks/inbetween_product.py [MOTION ...] [--runs 3] [--method hermite --method model]

Without a motion it takes a minute of two made dances. Each run is a new process; the median run is given.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from dance import run

from farandole.data.starter.groove_clips import groove_clip
from farandole.motion.edit import concatenate
from farandole.motion.files import load_motion


def minute(folder: Path) -> Path:
    """60 s at 30 fps, one dance after another."""
    return concatenate([groove_clip(n).motion for n in range(2)]).slice(0, 1800).save(folder / "minute.bvh")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, nargs="*", metavar="MOTION")
    parser.add_argument("--runs", type=int, default=3, help="processes per motion and method")
    parser.add_argument("--every", type=int, default=15, help="spacing of the kept frames")
    parser.add_argument("--method", action="append", help="[default: hermite and auto]")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {options.runs} runs each, median; every {options.every}, formats bvh,html")
    print(
        f"{'motion':>24} {'s':>5} {'fps':>4} {'method':>8} {'wall, s':>8} {'CPU, s':>8} {'peak, MB':>9} {'x real time':>12}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for path in options.motions or [minute(Path(folder))]:
            motion = load_motion(path)
            for method in options.method or ["hermite", "auto"]:
                words = [
                    "inbetween",
                    str(path),
                    "--every",
                    str(options.every),
                    "--method",
                    method,
                    "-o",
                    f"{folder}/out/",
                ]
                costs = [run([*words, "--force", "--json", "--quiet"]) for _ in range(options.runs)]
                median = lambda name: statistics.median(getattr(c, name) for c in costs)  # noqa: B023, E731
                print(
                    f"{path.stem[:24]:>24} {motion.seconds:5.1f} {motion.fps:4.0f} {method:>8} {median('wall'):8.2f} "
                    f"{median('cpu'):8.2f} {median('memory'):9.0f} {median('speed'):12.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
