"""What each figure of a report is called, its unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["low", "high", "real"]
"""Lower is better, higher is better, or the closer to the real set the better."""


@dataclass(frozen=True)
class Figure:
    """One line of a report.

    Attributes:
        name: Key in report.json.
        label: What people call it.
        unit: Unit, empty for pure numbers.
        better: Which way is better. Most published figures can be beaten by tricks, so "real" is the honest reading of many.
        note: Definition in a line, with what to beware of.
    """

    name: str
    label: str
    unit: str
    better: Better
    note: str


def _better(way: str) -> Better:
    assert way in ("low", "high", "real")
    return way


CLIP_FIGURES = tuple(
    Figure(name, label, unit, _better(way), note)
    for name, label, unit, way, note in (
        (
            "support_median",
            "Supporting foot, median speed",
            "cm/s",
            "low",
            "Horizontal speed of the foot that stands: sliding.",
        ),
        (
            "support_p90",
            "Supporting foot, 90th percentile",
            "cm/s",
            "low",
            "The worst tenth of frames; pivots count too.",
        ),
        ("joint_speed", "Mean joint speed", "m/s", "real", "Energy of the dance, on a body of 1.70 m."),
        (
            "peak_acceleration",
            "Peak joint acceleration",
            "m/s²",
            "low",
            "99.9th percentile of second differences at 30 fps: pops.",
        ),
        ("jerk", "Jerk", "m/s³", "real", "Mean third difference at 30 fps."),
        ("twitch", "Twitch", "1/s", "low", "Jerk divided by acceleration: shakiness whatever the energy."),
        ("energy_ratio", "Energy, last third / first third", "", "real", "Below 1 the dance dies away."),
        ("root_drift", "Greatest distance from the start", "m", "real", "Of the hips, on the floor."),
        ("freeze", "Frozen frames", "", "low", "Share of frames whose mean joint speed stays under 0.1 m/s."),
        ("penetration", "Floor penetration", "cm", "low", "99th percentile of the depth of the lowest foot point."),
        (
            "hover",
            "Height of the standing foot",
            "cm",
            "real",
            "Median height of the lowest foot point; 0 is on the floor.",
        ),
        ("wrong_knees", "Knees bent the wrong way", "", "low", "Share of frames and sides, beyond 10 degrees."),
        (
            "wrong_elbows",
            "Elbows bent the wrong way",
            "",
            "low",
            "The same; unknown for rest poses that are no T-pose.",
        ),
        ("coherence", "Step coherence", "", "high", "Correlation of foot speeds with the beat grid, at most 0.707."),
        (
            "coherence_chance",
            "Step coherence at wrong tempi",
            "",
            "low",
            "Mean over stretched grids: the chance level.",
        ),
        ("bas_bailando", "Beat alignment (Bailando)", "", "real", "Over music beats, smoothed; jitter raises it."),
        ("bas_mint", "Beat alignment (FACT)", "", "real", "Over motion beats, unsmoothed; few exact stops raise it."),
        ("beat_coverage", "Motion beats per music beat", "", "real", "Counted as FACT does."),
        ("beat_hit_rate", "Motion beats that hit", "", "real", "Within 0.2 s of a music beat of their own."),
        ("beat_energy", "Stops on the beat", "m/s³", "real", "Second derivative of the speed at the beats."),
        ("music_motion_correlation", "Speed with loudness", "", "real", "Pearson, best shift within 0.25 s."),
        ("pfc", "Physical foot contact (EDGE)", "", "real", "At 30 fps, times 10^4; standing still scores 0."),
        (
            "skating_lodge",
            "Foot skating (Lodge)",
            "",
            "low",
            "Share of contact frames; diagonal slides cancel, as published.",
        ),
        ("skating_norm", "Foot skating (horizontal speed)", "", "low", "The same without that flaw."),
        ("skating_height", "Foot skating (by height)", "", "low", "Every low frame is contact."),
    )
)
"""Figures of single clips; a set's is the mean over its clips."""

SET_FIGURES = tuple(
    Figure(name, label, unit, _better(way), note)
    for name, label, unit, way, note in (
        (
            "fid_k",
            "FID_k",
            "",
            "real",
            "Frechet distance of 72 kinetic features as published, standardised by the reference.",
        ),
        ("fid_k_fixed", "FID_k, mended", "", "real", "The same with the acceleration slip mended."),
        ("fid_g", "FID_g", "", "real", "Frechet distance of 32 geometric features."),
        ("dist_k", "Dist_k", "", "real", "Mean distance between clips in kinetic features."),
        ("dist_g", "Dist_g", "", "real", "Mean distance between clips in geometric features."),
        ("multimodality_k", "Multimodality, kinetic", "", "real", "Mean distance between takes of one song."),
        ("multimodality_g", "Multimodality, geometric", "", "real", "Mean distance between takes of one song."),
        ("fpd", "Frechet pose distance", "", "low", "Single poses at 20 fps, not standardised."),
        ("fmd", "Frechet movement distance", "", "low", "Three poses in a row."),
    )
)
"""Figures of whole sets."""

FIGURES = {figure.name: figure for figure in (*CLIP_FIGURES, *SET_FIGURES)}
"""All figures by name, in the order of reports."""
