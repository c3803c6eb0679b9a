"""All figures of one clip, and of many clips in parallel."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from farandole.evaluation.dance_clips import Clip, load_sound
from farandole.evaluation.humanoid_view import view_humanoid
from farandole.evaluation.metrics.beat_alignment import (
    SMOOTHING,
    beat_alignment,
    beat_energy,
    music_motion_correlation,
    speed_curve,
)
from farandole.evaluation.metrics.foot_skating import skating_ratio
from farandole.evaluation.metrics.geometric_features import geometric_features
from farandole.evaluation.metrics.kinetic_features import FEATURE_FPS, from_first_root, kinetic_features
from farandole.evaluation.metrics.physical_foot_contact import physical_foot_contact
from farandole.evaluation.metrics.pose_features import pose_features
from farandole.evaluation.metrics.smpl_joints import smpl_positions
from farandole.evaluation.metrics.window_features import WindowFeatures, window_features
from farandole.evaluation.quality import FPS, DanceQuality, measure_dance
from farandole.motion import Motion
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.music import Beats

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
        published: Also compute the published figures of single clips (PFC, skating, beat alignment).
    """

    seconds: float | None = None
    cut: float | None = None
    root: Literal["start", "absolute"] = "start"
    poses: bool = True
    published: bool = True


DEFAULT = Settings()
"""Whole clips, root of frame 0 at the origin."""


@dataclass(frozen=True)
class ClipFigures:
    """Figures of one clip.

    Attributes:
        name: Of the clip.
        group: Clips of one group were made for one song (or the same piece of it).
        style: Style of the dance, empty if unknown.
        fps: Of the file.
        quality: Physical and musical figures.
        numbers: Published per-clip figures by name; absent without music.
        kinetic: 72 features as published, and mended, [2, 72].
        geometric: 32 features, [32].
        windows: Features of overlapping windows of 5 s, for distances from real takes.
        poses: Pose features at 20 fps, [N, D] float32; see `pose_features`.
        joints: Joint names behind `poses`: distances need the same ones on both sides.
        speed: Mean joint speed of the first seconds at `quality.FPS`, [T] m/s.
        beats: Music beats within those seconds, [K] s.
    """

    name: str
    group: str
    style: str
    fps: float
    quality: DanceQuality
    numbers: dict[str, float]
    kinetic: Array
    geometric: Array
    windows: WindowFeatures
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
    motion, beats = clip.load()
    loudness = _loudness(clip, motion)
    return measure_motion(
        motion, beats, settings, name=clip.name, group=clip.group, style=clip.style, loudness=loudness
    )


def measure_motion(
    motion: Motion,
    beats: Beats | None = None,
    settings: Settings = DEFAULT,
    *,
    name: str | None = None,
    group: str | None = None,
    style: str = "",
    loudness: Array | None = None,
) -> list[ClipFigures]:
    """Measure one motion: one set of figures, or one per piece where `settings.cut` is given.

    Args:
        motion: Any humanoid, floor at y = 0.
        beats: Of its music, from frame 0; None leaves figures about the beat out.
        settings: How.
        name: In reports; the motion's own by default.
        group: Of motions made for one song; by default the name.
        style: Of the dance.
        loudness: Of its music at the motion's frames, [T].

    Raises:
        RetargetError: If the skeleton cannot be mapped to the joints that a metric needs.
    """
    name = motion.name if name is None else name
    group = name if group is None else group
    if settings.seconds is not None:
        motion = motion.slice(0, max(1, round(settings.seconds * motion.fps)))
    length = len(motion) if settings.cut is None else max(1, round(settings.cut * motion.fps))
    figures = []
    for number, start in enumerate(range(0, len(motion) - length + 1, length), 1):
        mark = "" if settings.cut is None else f" {number}"
        piece = _Piece(
            name + mark,
            group + mark,
            style,
            motion.slice(start, start + length),
            beats,
            start / motion.fps,
            None if loudness is None else loudness[start : start + length],
        )
        figures.append(_measure(piece, settings))
    return figures


@dataclass(frozen=True)
class _Piece:
    """Part of a clip that begins `start` s after the clip's first frame, to which `beats` refer; loudness per frame [T]."""

    name: str
    group: str
    style: str
    motion: Motion
    beats: Beats | None
    start: float
    loudness: Array | None


def _measure(piece: _Piece, settings: Settings) -> ClipFigures:
    motion = piece.motion
    joints = smpl_positions(motion.resample(FEATURE_FPS))
    half = motion.resample(FPS)
    features = from_first_root(joints) if settings.root == "start" else joints
    count, beats, bar = None, np.empty(0), 4
    if piece.beats is not None:
        count = piece.beats.count_at(piece.start + np.arange(len(half)) / half.fps)
        bar = piece.beats.beats_per_bar
        beats = np.asarray(piece.beats.times) - piece.start
        beats = beats[(beats >= 0) & (beats < motion.seconds)]
    numbers = _published(piece, joints, smpl_positions(half), beats) if settings.published else {}
    shown = view_humanoid(half.slice(0, round(CURVE_SECONDS * FPS)))
    return ClipFigures(
        name=piece.name,
        group=piece.group,
        style=piece.style,
        fps=motion.fps,
        quality=measure_dance(half, count, beats_per_bar=bar),
        numbers=numbers,
        kinetic=np.stack([kinetic_features(features, variant=v) for v in ("published", "fixed")]),
        geometric=geometric_features(joints),
        windows=window_features(joints),
        poses=pose_features(motion) if settings.poses else np.empty((0, 0), np.float32),
        joints=motion.skeleton.names,
        speed=shown.speeds.mean(axis=1).astype(np.float32),
        beats=beats[beats < CURVE_SECONDS],
    )


def _published(piece: _Piece, joints: Array, coarse: Array, beats: Array) -> dict[str, float]:
    """Published figures of single clips from SMPL joints at 60 and at 30 fps, each [T, 24, 3] m, and beat times [K] s."""
    numbers = {
        "pfc": float(physical_foot_contact(coarse)),
        "skating_lodge": skating_ratio(coarse),
        "skating_norm": skating_ratio(coarse, variant="norm"),
        "skating_height": skating_ratio(coarse, variant="height"),
    }
    if piece.beats is not None:
        numbers |= _rhythm(joints, beats)
    if piece.loudness is not None:
        speed = speed_curve(joints, FEATURE_FPS)
        at = np.arange(len(speed)) / FEATURE_FPS
        loudness = np.interp(at, np.arange(len(piece.motion)) / piece.motion.fps, piece.loudness)
        numbers["music_motion_correlation"] = music_motion_correlation(speed, loudness, FEATURE_FPS)
    return numbers


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


def _loudness(clip: Clip, motion: Motion) -> Array | None:
    """Root mean square of the clip's song at the motion's frames, [T], smoothed like the motion's speed; None without song."""
    from scipy.ndimage import gaussian_filter1d

    if clip.song is None:
        return None
    frames = load_sound(clip.song).frames
    loudness = gaussian_filter1d(np.sqrt(frames.power.astype(float)), SMOOTHING * frames.fps)
    return np.interp(np.arange(len(motion)) / motion.fps, frames.times, loudness)


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
