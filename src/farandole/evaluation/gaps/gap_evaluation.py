"""In-betweening models and gaps filled elsewhere, measured on a folder of BVH files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from farandole.errors import DataError
from farandole.evaluation.gaps.benchmark_windows import TEST_WINDOW, Clips
from farandole.evaluation.gaps.gap_folder import BASELINES, FPS, Fill, load_gap_folder, run_gaps, run_keyframes
from farandole.evaluation.gaps.gap_scores import GapScore
from farandole.evaluation.gaps.lafan1_protocol import Lafan1, lafan1_dict, read_predictions, score_predictions
from farandole.evaluation.plain_values import plain
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

ArrayFill: TypeAlias = Callable[[Skeleton, float, Array, Array, np.ndarray], tuple[Array, Array]]
"""skeleton, fps, rotations [B, T, J, 4], root positions [B, T, 3] m, which frames are given [T] bool -> both arrays filled."""


@dataclass(frozen=True)
class GapEvaluation:
    """Scores of every way to fill gaps.

    Attributes:
        gaps: Name -> gap length -> score.
        keyframes: Name -> spacing of key frames -> score.
        content: Of report.json.
    """

    gaps: dict[str, dict[int, GapScore]]
    keyframes: dict[str, dict[int, GapScore]]
    content: dict[str, Any]

    def lines(self) -> list[str]:
        """One line per score, for people."""
        return [
            f"{name}, {what.format(gap)}: L2Q {score.l2q:.4f}  L2P {score.l2p:.4f}  NPSS {score.npss:.4f}"
            for what, scores in (("{} frames", self.gaps), ("every {}", self.keyframes))
            for name, gaps in scores.items()
            for gap, score in gaps.items()
        ]


def evaluate_gaps(
    folder: str | Path,
    *,
    filled: Sequence[str | Path] = (),
    models: Mapping[str, ArrayFill] | None = None,
    test: str | None = None,
    every: Sequence[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> GapEvaluation:
    """Measure the baselines, models, and gaps filled elsewhere.

    Args:
        folder: BVH files to test on.
        filled: Folders of gaps of these files that were filled elsewhere (gap_5.npz ...).
        models: Name -> fill.
        test: Pattern of the files to test on.
        every: Spacings of key frames to measure too.
        progress: Called with steps done and steps in all.

    Raises:
        DataError: If files are missing or a spacing does not fit the windows.
    """
    wrong = next((n for n in every if not 2 <= n < TEST_WINDOW), None)
    if wrong is not None:
        raise DataError(f"a key frame every {wrong} frames: needs 2 to {TEST_WINDOW - 1}")
    predictions = {Path(source).name: read_predictions(source) for source in filled}
    data, warnings = load_gap_folder(folder, test)
    fills: dict[str, Fill] = {**BASELINES, **{name: _on_clips(fill, data) for name, fill in (models or {}).items()}}
    gaps = run_gaps(data, fills, progress=progress) | score_predictions(data, predictions)
    keyframes = run_keyframes(data, fills, every)
    return GapEvaluation(gaps, keyframes, plain(lafan1_dict(data, gaps, keyframes, warnings)))


def _on_clips(fill: ArrayFill, data: Lafan1) -> Fill:
    """A fill of arrays as a fill of the benchmark's windows."""

    def fill_clips(clips: Clips, visible: np.ndarray) -> Clips:
        return Clips(*fill(data.skeleton, FPS, clips.rotations, clips.root_positions, visible))

    return fill_clips
