"""The LAFAN1 protocol on any folder of BVH files: windows, key frames, the fills that need no training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

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
    interpolate_keyframes,
    keyframe_mask,
    position_deviation,
    turn_to,
)
from farandole.evaluation.gaps.gap_scores import GapScore, score_gap, score_keyframes
from farandole.evaluation.gaps.lafan1_protocol import TEST_SUBJECTS, TRAIN_SUBJECTS, Lafan1, load_lafan1
from farandole.motion import kinematics, names
from farandole.motion import rotations as rot
from farandole.motion.interpolation import REACH, Gaps, hermite_line, hermite_turns
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton

FPS = 30.0

Fill = Callable[[Clips, np.ndarray], Clips]
"""Whole windows with the frames that are not given, [T] bool, filled."""


def load_gap_folder(folder: str | Path, test: str | None = None) -> tuple[Lafan1, list[str]]:
    """The benchmark's test windows and statistics from any BVH files of one skeleton, and what to say about them.

    The LAFAN1 data set, known by its file names, is read exactly as published. Other motion is brought to 30 fps; a still joint
    over the hips is taken out; windows are turned by where the hips face.

    Args:
        folder: BVH files, in subfolders too.
        test: Pattern like "*_subject5.bvh" of the files to test on; the others give L2P's deviations. Without it all files do both.

    Raises:
        DataError: If there are no files, no file fits the pattern or all do, skeletons differ, or all files are too short.
    """
    folder = Path(folder)
    files = sorted(p for p in folder.rglob("*.bvh") if p.is_file()) if folder.is_dir() else []
    if not files:
        raise DataError(f"{folder} holds no BVH files")
    if test is None and _is_lafan1(files):
        return load_lafan1(folder), []
    chosen = files if test is None else [p for p in files if fnmatch(p.name, test)]
    others = files if test is None else [p for p in files if p not in set(chosen)]
    if not chosen or not others:
        lacking = "no file is" if not chosen else "all files are"
        raise DataError(
            f"{folder}: {lacking} called {test}: some must be, to test on, and others not, to take deviations from"
        )
    warnings = (
        [] if test else ["L2P is in deviations of the tested files themselves: name the files to test on with --test"]
    )
    first = _read(others[0])
    statistics = _windows(others, first.skeleton, STATISTICS_WINDOW, STATISTICS_STRIDE)
    windows = _windows(chosen, first.skeleton, TEST_WINDOW, TEST_STRIDE)
    return Lafan1(windows, first.skeleton, position_deviation(statistics, first.skeleton), published=False), warnings


def _is_lafan1(files: Sequence[Path]) -> bool:
    subjects = {p.stem.rpartition("_")[2] for p in files}
    return set(TEST_SUBJECTS) <= subjects and bool(subjects & set(TRAIN_SUBJECTS))


def _read(path: Path) -> Motion:
    from farandole.motion.codecs.bodies import plain_body
    from farandole.motion.files import load_motion

    return plain_body(load_motion(path)).resample(FPS)


def _windows(files: Sequence[Path], skeleton: Skeleton, window: int, stride: int) -> Clips:
    parts = []
    for path in files:
        motion = _read(path)
        if motion.skeleton.names != skeleton.names:
            raise DataError(
                f"{path}: joints differ from those of the other files: {len(motion.skeleton)}, not {len(skeleton)}"
            )
        parts.append(cut_windows(motion.rotations, motion.root_positions, window, stride))
    clips = Clips(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("rotations", "root_positions")))
    if not len(clips):
        raise DataError(f"no file is longer than {window} frames at {FPS:g} fps, so none can be cut into windows")
    return align(clips) if not names.is_humanoid(skeleton) else align_body(clips, skeleton)


def align_body(clips: Clips, skeleton: Skeleton) -> Clips:
    """`align` for any body: the facing of the hips at the last past frame, by the line between the hip joints, goes to +x."""
    roles = names.humanoid_roles(skeleton)
    positions, _ = kinematics.forward(skeleton, clips.rotations[:, PAST - 1], clips.root_positions[:, PAST - 1])
    left = positions[:, roles["LeftUpLeg"]] - positions[:, roles["RightUpLeg"]]
    return turn_to(clips, rot.cross(left, np.broadcast_to([0.0, 1.0, 0.0], left.shape)))


def hold_given(clips: Clips, given: np.ndarray) -> Clips:
    """Zero velocity: the last given pose is held."""
    last = np.maximum.accumulate(np.where(given, np.arange(len(given)), -1))
    return Clips(clips.rotations[:, last], clips.root_positions[:, last])


def hermite(clips: Clips, given: np.ndarray) -> Clips:
    """Curves that keep the speed at given frames, as `farandole inbetween --method hermite` has them."""
    gaps = Gaps.of(given)
    batch, frames, joints, _ = clips.rotations.shape
    turns = hermite_turns(np.moveaxis(clips.rotations, 0, 1).reshape(frames, batch * joints, 4), gaps, REACH * FPS)
    rotations, roots = clips.rotations.copy(), clips.root_positions.copy()
    rotations[:, gaps.missing] = np.moveaxis(turns.reshape(-1, batch, joints, 4), 0, 1)
    roots[:, gaps.missing] = np.moveaxis(hermite_line(np.moveaxis(clips.root_positions, 0, 1), gaps, REACH * FPS), 0, 1)
    return Clips(rotations, roots)


BASELINES: dict[str, Fill] = {"zero velocity": hold_given, "interpolation": interpolate_keyframes, "hermite": hermite}
"""Fills without training. Interpolation is the benchmark's: arcs (slerp) and straight lines."""


def run_gaps(
    data: Lafan1, fills: Mapping[str, Fill], *, progress: Callable[[int, int], None] | None = None
) -> dict[str, dict[int, GapScore]]:
    """Scores on the benchmark's gaps: name -> gap length -> score. Fills see 10 past frames and the target, nothing else."""
    result: dict[str, dict[int, GapScore]] = {name: {} for name in fills}
    steps = [(name, gap) for name in fills for gap in GAPS]
    for done, (name, gap) in enumerate(steps, 1):
        given = np.ones(PAST + gap + 1, bool)
        given[PAST : PAST + gap] = False
        made = fills[name](_hidden(data.windows.frames(0, len(given)), given), given).frames(PAST, PAST + gap)
        result[name][gap] = score_gap(made, data.windows, gap, data.skeleton, data.deviation)
        if progress:
            progress(done, len(steps))
    return result


def run_keyframes(data: Lafan1, fills: Mapping[str, Fill], spacings: Sequence[int]) -> dict[str, dict[int, GapScore]]:
    """Scores where every n-th frame of the windows, and the last, is given: name -> spacing -> score."""
    result: dict[str, dict[int, GapScore]] = {name: {} for name in fills}
    for every in spacings:
        given = keyframe_mask(data.windows.rotations.shape[1], every)
        for name, fill in fills.items():
            made = fill(_hidden(data.windows, given), given)
            result[name][every] = score_keyframes(made, data.windows, given, data.skeleton, data.deviation)
    return result


def _hidden(clips: Clips, given: np.ndarray) -> Clips:
    """Windows whose frames that are not given say nothing."""
    frames = np.arange(len(given))
    last = np.maximum.accumulate(np.where(given, frames, 0))
    return Clips(clips.rotations[:, last], clips.root_positions[:, last])
