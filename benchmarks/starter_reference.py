"""Writes the figures of real takes that come with the package: what is measured of held-out motion, and no motion.

    python benchmarks/starter_reference.py --salsa FOLDER [--all] [--free FOLDER ...] [--style NAME=FOLDER ...] [-o FILE]

--salsa names the folder with the recordings of the CMU salsa couple (`salsa_<subject>_<take>.bvh` and `beats.json`); the takes that
no shipped weight was trained on (with --all: every take) are cleaned as for training and measured. --free adds the dances of CMU
and G1 Moves in a folder, in the styles of `data/starter/free_motion.csv`: all takes of at least 4 s, for there are few. --style
adds the motion files of another folder as takes of a style, with `NAME.beats.json` beside NAME.bvh where the beats are known.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from farandole.data.starter.beat_fit import fit_beat
from farandole.data.starter.recordings import G1_LICENCE, find_recordings, read_take
from farandole.data.starter.salsa import ACKNOWLEDGEMENT, HELD_OUT_TAKES, LEAD_IN, SOURCE_UNIT, clean_take
from farandole.evaluation.clip_figures import ClipFigures, Settings, measure_motion
from farandole.evaluation.dance_clips import find_clips, steady_beats
from farandole.evaluation.real_range import RealRange
from farandole.evaluation.reference_file import write_reference
from farandole.motion.files.bvh.bvh_reader import read_bvh
from farandole.music.beats import Beats

SETTINGS = Settings(poses=False)
SHORTEST = 4.0
"""Seconds of a free recording that is measured."""
DEFAULT = Path(__file__).parents[1] / "src/farandole/evaluation/starter_reference.npz"


def salsa_figures(folder: Path, everything: bool) -> list[ClipFigures]:
    """Figures of the held-out salsa takes, or of all."""
    grids, clips = json.loads((folder / "beats.json").read_text()), []
    for path in sorted(folder.glob("salsa_*.bvh")):
        _, subject, take = path.stem.split("_")
        if everything or take in HELD_OUT_TAKES:
            motion, grid = clean_take(read_bvh(path, scale=SOURCE_UNIT)), grids[take]
            count = grid[f"count_at_0_subject_{subject}"] + LEAD_IN * grid["bpm"] / 60.0
            beats = steady_beats(grid["bpm"], count, motion.seconds)
            clips += measure_motion(motion, beats, SETTINGS, name=path.stem, style="salsa")
    return clips


def free_figures(folder: Path) -> list[ClipFigures]:
    """Figures of the dances among free recordings, each as it was recorded."""
    clips = []
    for recording in find_recordings(folder)[0]:
        if recording.style == "locomotion":
            continue
        take = read_take(recording)
        if take.motion.seconds >= SHORTEST:
            fit = fit_beat(take.motion)
            beats = Beats(fit.times, 0) if fit.good else None
            clips += measure_motion(take.motion, beats, SETTINGS, name=recording.path.stem, style=recording.style)
    return clips


def folder_figures(style: str, folder: Path) -> list[ClipFigures]:
    """Figures of every motion file in a folder."""
    clips = []
    for clip in find_clips(folder):
        clips += measure_motion(*clip.load(), SETTINGS, name=clip.name, style=style)
    return clips


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--salsa", type=Path, required=True)
    parser.add_argument("--all", action="store_true", help="takes that weights were trained on too")
    parser.add_argument("--free", type=Path, action="append", default=[], help="folder with CMU or G1 Moves recordings")
    parser.add_argument("--style", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--sources", default="", help="where the other styles' takes are from, and under which terms")
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT)
    options = parser.parse_args()
    clips = salsa_figures(options.salsa, options.all)
    for folder in options.free:
        clips += free_figures(folder)
    for entry in options.style:
        style, _, folder = entry.partition("=")
        clips += folder_figures(style, Path(folder))
    sources = f"{ACKNOWLEDGEMENT} {G1_LICENCE if options.free else ''} {options.sources}".strip()
    written = write_reference(RealRange("real takes", tuple(clips)), options.output, sources=sources, force=True)
    print(f"{written}: {len(clips)} takes, {written.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
