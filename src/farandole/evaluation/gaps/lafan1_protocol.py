"""The LAFAN1 in-betweening benchmark from the data set's BVH files to the table of the papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.gaps.benchmark_windows import (
    GAPS,
    PAST,
    STATISTICS_STRIDE,
    STATISTICS_WINDOW,
    TEST_STRIDE,
    TEST_WINDOW,
    Clips,
    align,
    cut_windows,
    position_deviation,
)
from farandole.evaluation.gaps.gap_scores import GapScore, baselines, score_gap
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

TRAIN_SUBJECTS = ("subject1", "subject2", "subject3", "subject4")
TEST_SUBJECTS = ("subject5",)
TEST_WINDOWS = 2232
"""Windows of the complete data set."""


@dataclass(frozen=True)
class Lafan1:
    """The benchmark's test windows, ready to be filled.

    Attributes:
        windows: Aligned test windows, [B, 65, J, 4] and [B, 65, 3] m, files in name order.
        skeleton: Bone offsets of the first training window, used for everybody.
        deviation: Yardstick of L2P, [J, 3] m.
        published: Whether these are windows of the data set itself, so that published figures compare.
    """

    windows: Clips
    skeleton: Skeleton
    deviation: Array
    published: bool = True

    def gap(self, length: int) -> tuple[Clips, Array, Array]:
        """What a model is given: the past frames, and the target frame's rotations [B, J, 4] and root positions [B, 3]."""
        target = PAST + length
        return self.windows.frames(0, PAST), self.windows.rotations[:, target], self.windows.root_positions[:, target]


def load_lafan1(folder: str | Path) -> Lafan1:
    """Read the data set's BVH files and prepare test windows and statistics.

    Raises:
        DataError: If files of training or test subjects are missing, or their skeletons have different joints.
    """
    folder = Path(folder)
    train, skeleton = _read(folder, TRAIN_SUBJECTS, STATISTICS_WINDOW, STATISTICS_STRIDE, None)
    test, _ = _read(folder, TEST_SUBJECTS, TEST_WINDOW, TEST_STRIDE, skeleton)
    return Lafan1(align(test), skeleton, position_deviation(align(train), skeleton))


def _read(
    folder: Path, subjects: tuple[str, ...], window: int, stride: int, skeleton: Skeleton | None
) -> tuple[Clips, Skeleton]:
    from farandole.motion.files import load_motion

    files = sorted(p for p in folder.glob("*.bvh") if p.stem.rpartition("_")[2] in subjects)
    if not files:
        raise DataError(f"{folder} holds no LAFAN1 files of {', '.join(subjects)} (like dance1_{subjects[0]}.bvh)")
    parts = []
    for path in files:
        motion = load_motion(path)
        skeleton = skeleton or motion.skeleton
        if motion.skeleton.names != skeleton.names:
            raise DataError(f"{path}: joints differ from those of {files[0].name}")
        motion.require_fps(30.0, "the LAFAN1 benchmark")
        parts.append(cut_windows(motion.rotations, motion.root_positions, window, stride))
    assert skeleton is not None
    rotations, roots = (np.concatenate([getattr(p, n) for p in parts]) for n in ("rotations", "root_positions"))
    if not len(rotations):
        raise DataError(f"{folder}: no file of {', '.join(subjects)} is longer than {window} frames")
    return Clips(rotations, roots), skeleton


def read_predictions(folder: str | Path) -> dict[int, Clips]:
    """Filled gaps from `gap_5.npz`, `gap_15.npz` ... in a folder: arrays `rotations` [B, gap, J, 4], local, w x y z, and
    `root_positions` [B, gap, 3] m, windows in the benchmark's order and frame (`Lafan1.gap`).

    Raises:
        DataError: If there is none, or an array is missing.
    """
    found = {}
    for gap in GAPS:
        path = Path(folder) / f"gap_{gap}.npz"
        if path.is_file():
            with np.load(path) as arrays:
                missing = {"rotations", "root_positions"} - set(arrays.files)
                if missing:
                    raise DataError(f"{path} has no array {', '.join(sorted(missing))}")
                found[gap] = Clips(arrays["rotations"].astype(float), arrays["root_positions"].astype(float))
    if not found:
        raise DataError(f"{folder} holds no gap_{{{','.join(map(str, GAPS))}}}.npz")
    return found


def run_lafan1(data: Lafan1, predictions: Mapping[str, Mapping[int, Clips]]) -> dict[str, dict[int, GapScore]]:
    """Baselines and models side by side: name -> gap length -> score.

    Raises:
        MotionError: If a prediction has another number of windows or frames than its gap.
    """
    return baselines(data.windows, data.skeleton, data.deviation) | score_predictions(data, predictions)


def score_predictions(data: Lafan1, predictions: Mapping[str, Mapping[int, Clips]]) -> dict[str, dict[int, GapScore]]:
    """Gaps filled elsewhere: name -> gap length -> score. Raises MotionError as `run_lafan1`."""
    return {
        name: {gap: score_gap(clips, data.windows, gap, data.skeleton, data.deviation) for gap, clips in gaps.items()}
        for name, gaps in predictions.items()
    }


def lafan1_dict(
    data: Lafan1,
    scores: Mapping[str, Mapping[int, GapScore]],
    keyframes: Mapping[str, Mapping[int, GapScore]] | None = None,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Content of report.json for this protocol.

    Args:
        data: The windows.
        scores: Name -> gap length -> score.
        keyframes: Name -> spacing of key frames -> score.
        warnings: More to say than what follows from the data.
    """
    from farandole._version import __version__
    from farandole.evaluation.bootstrap import mean_interval

    def one(score: GapScore) -> dict[str, Any]:
        return {
            "l2q": asdict(mean_interval(score.l2q_each)),
            "l2p": asdict(mean_interval(score.l2p_each)),
            "npss": score.npss,
            "windows": score.windows,
            "empty_channels": score.empty_channels,
        }

    notes = list(warnings)
    if not data.published:
        notes.append("not the LAFAN1 data set: figures compare with one another, not with published ones")
    elif len(data.windows) != TEST_WINDOWS:
        notes.append(
            f"{len(data.windows)} test windows, the published figures are over {TEST_WINDOWS}: the data is not complete"
        )
    return {
        "schema": "farandole.evaluation.lafan1",
        "version": 1,
        "farandole": __version__,
        "windows": len(data.windows),
        "methods": {name: {str(gap): one(score) for gap, score in gaps.items()} for name, gaps in scores.items()},
        "keyframes": {
            name: {str(n): one(score) for n, score in gaps.items()} for name, gaps in (keyframes or {}).items()
        },
        "warnings": notes,
    }


def write_lafan1(content: Mapping[str, Any], folder: str | Path, *, force: bool = False) -> Path:
    """Write report.json and index.html for this protocol into a new folder; returns the page.

    Args:
        content: From `lafan1_dict`.
        folder: Where they go.
        force: Replace an existing folder.
    """
    import json

    from farandole._io import atomic_directory
    from farandole.evaluation.plain_values import plain
    from farandole.evaluation.reporting.gap_report_page import render_gaps

    content = plain(content)
    with atomic_directory(folder, force=force) as target:
        (target / "report.json").write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
        (target / "index.html").write_text(render_gaps(content), encoding="utf-8")
    return Path(folder) / "index.html"
