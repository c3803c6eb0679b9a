"""All figures of one clip, and of many clips in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from farandole.evaluation.body import view_body
from farandole.evaluation.clips import Clip, load_sound
from farandole.evaluation.features import FEATURE_FPS, from_first_root, geometric_features, kinetic_features
from farandole.evaluation.feet import physical_foot_contact, skating_ratio
from farandole.evaluation.joints import smpl_positions
from farandole.evaluation.quality import FPS, DanceQuality, measure_dance
from farandole.evaluation.rhythm import SMOOTHING, beat_alignment, beat_energy, music_motion_correlation, speed_curve
from farandole.motion import Motion
from farandole.motion import rotations as rot
from farandole.motion.rotations import Array

POSE_FPS = 20.0
"""Frame rate of the pose features (that of the flow paper)."""

CURVE_SECONDS = 20.0
"""How much of a clip reports plot, s."""


@dataclass(frozen=True)
class Settings:
    """How clips are measured.

    Attributes:
        seconds: Only the first so many seconds of each clip count; None for all. Published AIST++ tables use 20.
        cut: Cut clips into pieces of so many seconds, each of which is then measured as a clip of its own, so that small sets
            give Frechet distances something to work with; a rest shorter than that is dropped. None leaves clips whole.
        root: "start": the first root position is subtracted before kinetic features (Bailando); "absolute": not (mint).
        poses: Also collect pose features for the Frechet pose and movement distances.
    """

    seconds: float | None = None
    cut: float | None = None
    root: Literal["start", "absolute"] = "start"
    poses: bool = True


DEFAULT = Settings()
"""Whole clips, root of frame 0 at the origin."""


@dataclass(frozen=True)
class ClipFigures:
    """Figures of one clip.

    Attributes:
        name: Of the clip.
        group: Clips of one group were made for one song (or the same piece of it).
        fps: Of the file.
        quality: Physical and musical figures.
        numbers: Published per-clip figures by name; absent without music.
        kinetic: 72 features as published, and mended, [2, 72].
        geometric: 32 features, [32].
        poses: Pose features at 20 fps, [N, D] float32; see `pose_features`.
        joints: Joint names behind `poses`: distances need the same ones on both sides.
        speed: Mean joint speed of the first seconds at `quality.FPS`, [T] m/s.
        beats: Music beats within those seconds, [K] s.
    """

    name: str
    group: str
    fps: float
    quality: DanceQuality
    numbers: dict[str, float]
    kinetic: Array
    geometric: Array
    poses: Array = field(default_factory=lambda: np.empty((0, 0), np.float32), repr=False)
    joints: tuple[str, ...] = ()
    speed: Array = field(default_factory=lambda: np.empty(0, np.float32), repr=False)
    beats: Array = field(default_factory=lambda: np.empty(0), repr=False)

    def all_numbers(self) -> dict[str, float]:
        """Every single figure by name."""
        return {**self.quality.numbers(), **self.numbers}


def measure_clip(clip: Clip, settings: Settings = DEFAULT) -> list[ClipFigures]:
    """Read one clip and measure everything: one set of figures, or one per piece where `settings.cut` is given.

    Frame rates are brought to what each definition assumes, by slerp.

    Raises:
        RetargetError: If the skeleton cannot be mapped to the joints that a metric needs; names clip and joints.
    """
    motion, grid = clip.load()
    if settings.seconds is not None:
        motion = motion.slice(0, max(1, round(settings.seconds * motion.fps)))
    times = np.arange(len(motion)) / motion.fps
    count = None if grid is None else grid.count_at(times)
    beats = None if grid is None else np.asarray(grid.times)
    loudness = _loudness(clip, times) if clip.song is not None else None
    length = len(motion) if settings.cut is None else max(1, round(settings.cut * motion.fps))
    starts = range(0, len(motion) - length + 1, length)
    many = len(starts) > 1 or settings.cut is not None
    figures = []
    for number, start in enumerate(starts):
        part = slice(start, start + length)
        piece = _Piece(
            f"{clip.name} {number + 1}" if many else clip.name,
            f"{clip.group} {number + 1}" if many else clip.group,
            motion.slice(part.start, part.stop),
            None if count is None else count[part],
            None if beats is None else beats - start / motion.fps,
            None if loudness is None else loudness[part],
        )
        figures.append(_measure(piece, settings))
    return figures


@dataclass(frozen=True)
class _Piece:
    """Part of a clip: motion, beat count per frame [T], beat times [K] s from its first frame, loudness per frame [T]."""

    name: str
    group: str
    motion: Motion
    count: Array | None
    beats: Array | None
    loudness: Array | None


def _measure(piece: _Piece, settings: Settings) -> ClipFigures:
    motion = piece.motion
    joints = smpl_positions(motion.resample(FEATURE_FPS))
    half = motion.resample(FPS)
    coarse = smpl_positions(half)
    features = from_first_root(joints) if settings.root == "start" else joints
    numbers = {
        "pfc": float(physical_foot_contact(coarse)),
        "skating_lodge": skating_ratio(coarse),
        "skating_norm": skating_ratio(coarse, variant="norm"),
        "skating_height": skating_ratio(coarse, variant="height"),
    }
    count, beats = None, np.empty(0)
    if piece.count is not None and piece.beats is not None:
        count = np.interp(np.arange(len(half)) / half.fps, np.arange(len(motion)) / motion.fps, piece.count)
        beats = piece.beats[(piece.beats >= 0) & (piece.beats < motion.seconds)]
        numbers |= _rhythm(joints, beats)
    if piece.loudness is not None:
        speed = speed_curve(joints, FEATURE_FPS)
        at = np.arange(len(speed)) / FEATURE_FPS
        loudness = np.interp(at, np.arange(len(motion)) / motion.fps, piece.loudness)
        numbers["music_motion_correlation"] = music_motion_correlation(speed, loudness, FEATURE_FPS)
    shown = view_body(half.slice(0, round(CURVE_SECONDS * FPS)))
    return ClipFigures(
        name=piece.name,
        group=piece.group,
        fps=motion.fps,
        quality=measure_dance(half, count),
        numbers=numbers,
        kinetic=np.stack([kinetic_features(features, variant=v) for v in ("published", "fixed")]),
        geometric=geometric_features(joints),
        poses=pose_features(motion) if settings.poses else np.empty((0, 0), np.float32),
        joints=motion.skeleton.names,
        speed=shown.speeds.mean(axis=1).astype(np.float32),
        beats=beats[beats < CURVE_SECONDS],
    )


def _rhythm(joints: Array, beats: Array) -> dict[str, float]:
    mint = beat_alignment(joints, FEATURE_FPS, beats, variant="mint")
    bailando = beat_alignment(joints, FEATURE_FPS, beats, variant="bailando")
    return {
        "bas_mint": mint.alignment,
        "bas_bailando": bailando.alignment,
        "beat_coverage": mint.coverage,
        "beat_hit_rate": mint.hit_rate,
        "beat_energy": beat_energy(joints, FEATURE_FPS, beats)[1],
    }


def _loudness(clip: Clip, times: Array) -> Array:
    """Root mean square of the song at `times` [T] s, smoothed like the motion's speed."""
    from scipy.ndimage import gaussian_filter1d

    assert clip.song is not None
    frames = load_sound(clip.song).frames
    loudness = gaussian_filter1d(np.sqrt(frames.power.astype(float)), SMOOTHING * frames.fps)
    return np.interp(times, frames.times, loudness)


def pose_features(motion: Motion) -> Array:
    """Features of the flow paper's Frechet distances for any skeleton of J joints, [N, 3 J + 2] float32 at 20 fps.

    Rotation vectors of all joints in rad, continuous over time, the root's without its heading and its vertical component; then the
    root's velocity to the side and forward in the frame of its heading, cm per frame, and its turn, rad per frame (Valle-Perez et
    al., 2021: 65 numbers for 21 joints, without the height).
    """
    motion = motion.resample(POSE_FPS)
    heading = np.unwrap(rot.yaw(motion.rotations[:, 0]))
    local = rot.unroll(motion.rotations)
    local = local.copy()
    local[:, 0] = rot.multiply(rot.from_yaw(-heading), local[:, 0])
    vectors = rot.to_rotvec(local).reshape(len(motion), -1)
    vectors = np.delete(vectors, 1, axis=1)
    step = np.diff(motion.root_positions, axis=0, prepend=motion.root_positions[:1])
    ground = rot.rotate(rot.from_yaw(-heading), step)[:, (0, 2)] * 100.0
    turn = np.diff(heading, prepend=heading[:1])[:, None]
    table = np.concatenate((vectors, ground, turn), axis=1).astype(np.float32)
    if len(table) > 1:
        table[0, -3:] = table[1, -3:]
    return table


def measure_clips(
    clips: Sequence[Clip],
    settings: Settings = DEFAULT,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[ClipFigures]]:
    """`measure_clip` for many clips over processes, in their order: for each clip its pieces.

    Args:
        clips: What to measure; takes of one song lie next to each other so that its beats are tracked once.
        settings: How.
        workers: Processes; by default one per processor, and none beside this one for a few clips.
        progress: Called with clips done and clips in all.
    """
    workers = workers or min(os.cpu_count() or 1, max(1, len(clips) // 4))
    results: list[list[ClipFigures]] = []
    if workers == 1:
        for clip in clips:
            results.append(measure_clip(clip, settings))
            if progress:
                progress(len(results), len(clips))
        return results
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    chunk = max(1, min(8, len(clips) // (4 * workers)))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for figures in pool.map(measure_clip, clips, [settings] * len(clips), chunksize=chunk):
            results.append(figures)
            if progress:
                progress(len(results), len(clips))
    return results
