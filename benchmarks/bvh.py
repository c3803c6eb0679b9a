"""BVH reading and writing against other parsers, in one run, as ratios.

    python benchmarks/bvh.py [FILE.bvh ...]

Without files a walk of 2000 frames and 72 channels is made on the spot. All contenders take turns in changing order, so that a busy
machine slows all alike; the best and the median of the rounds are shown. Parsers that are not installed, or cannot read a file, are
said so.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import io
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from farandole.motion import rotations as rot
from farandole.motion.files.bvh import read_bvh, render_bvh
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

OURS = "farandole"
# This file has the name of one of the packages it measures: its own folder must not be searched for it.
sys.path = [p for p in sys.path if Path(p).resolve() != Path(__file__).resolve().parent]


def readers(path: Path) -> dict[str, Callable[[], object]]:
    """What each parser calls reading, by name; ours gives quaternions, the others Euler angles."""

    def floor() -> object:
        text = path.read_text()
        return np.array(text[text.index("Frame Time") :].split("\n", 1)[1].split(), dtype=float)

    def pybvh() -> object:
        from pybvh import read_bvh_file

        return read_bvh_file(path)

    def bvh() -> object:
        from bvh import Bvh

        return np.array(Bvh(path.read_text()).frames, dtype=float)

    def bvhio() -> object:
        import bvhio

        return bvhio.readAsBvh(str(path))

    def bvh_converter() -> object:
        from bvh_converter.bvhplayer_skeleton import process_bvhfile

        with redirect_stdout(io.StringIO()):
            return process_bvhfile(str(path), DEBUG=0)

    named = {
        OURS: (lambda: read_bvh(path), "numpy"),
        "pybvh": (pybvh, "pybvh"),
        "bvh-converter": (bvh_converter, "bvh_converter"),
        "bvh": (bvh, "bvh"),
        "bvhio": (bvhio, "bvhio"),
        "str.split + numpy": (floor, "numpy"),
    }
    return {name: call for name, (call, module) in named.items() if importlib.util.find_spec(module)}


def positions(path: Path) -> dict[str, Callable[[], object]]:
    """Reading and world positions of all joints."""

    def pybvh() -> object:
        from pybvh import read_bvh_file

        return read_bvh_file(path).node_positions()

    calls: dict[str, Callable[[], object]] = {OURS: lambda: read_bvh(path).positions}
    if importlib.util.find_spec("pybvh"):
        calls["pybvh"] = pybvh
    return calls


def take_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float] | str]:
    """Milliseconds of every round of every call that works; the reason for those that do not."""
    result: dict[str, list[float] | str] = {}
    for name, call in calls.items():
        try:
            call()
            result[name] = []
        except Exception as error:  # another package's errors are its own
            result[name] = f"fails: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:100]
    order = np.random.default_rng(0)
    for _ in range(rounds):
        for name in order.permutation(list(calls)).tolist():  # each inherits memory and caches from each other in turn
            call, times = calls[name], result[name]
            if isinstance(times, list):
                gc.collect()  # nobody pays for another one's rubbish
                start = time.perf_counter()
                call()
                times.append(1e3 * (time.perf_counter() - start))
    return result


def show(title: str, frames: int, times: dict[str, list[float] | str]) -> None:
    """A table on standard output."""
    ours = times[OURS]
    assert isinstance(ours, list)
    print(f"\n{title}\n{'':22}{'best ms':>10}{'median ms':>11}{'frames/s':>12}{'time / ours':>13}")
    for name, rounds in times.items():
        if isinstance(rounds, str):
            print(f"  {name:20}{rounds}")
        else:
            ratio = np.median(np.array(rounds) / np.array(ours))
            print(
                f"  {name:20}{min(rounds):10.2f}{np.median(rounds):11.2f}{1e3 * frames / min(rounds):12.0f}{ratio:12.2f}x"
            )


def synthetic(folder: Path) -> Path:
    """A smooth random dance of the house skeleton, 2000 frames."""
    random = np.random.default_rng(0)
    time_s, skeleton = np.arange(2000) / 60.0, house_skeleton()
    waves = np.sin(
        time_s[:, None, None] * random.uniform(1, 6, (len(skeleton), 3)) + random.uniform(0, 6, (len(skeleton), 3))
    )
    motion = Motion(skeleton, rot.from_rotvec(0.6 * waves), np.zeros((2000, 3)), 60.0)
    path = folder / "synthetic.bvh"
    path.write_bytes(render_bvh(motion))
    return path


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in options.files or [synthetic(Path(folder))]:
            motion = read_bvh(path)
            channels = sum(map(len, motion.layout.channels)) if motion.layout else 0
            title = f"{path.name}: {len(motion)} frames, {channels} channels"
            show(f"{title}, reading", len(motion), take_turns(readers(path), options.rounds))
            show(f"{title}, reading and world positions", len(motion), take_turns(positions(path), options.rounds))
            show(f"{title}, writing", len(motion), take_turns({OURS: lambda m=motion: render_bvh(m)}, options.rounds))


if __name__ == "__main__":
    sys.exit(main())
