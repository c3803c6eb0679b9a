"""The salsa half of the starter corpus: 24 clips of a couple from the CMU motion capture database, read from a folder and cleaned.

The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.

Faults of the recordings that are mended here (`clean_take`): one-frame rotation glitches in some takes, subject 61 floating a
few centimetres above the floor, units of about 1.425 m. Circulating copies call the files 120 fps; they are 60 fps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from farandole.errors import DataError
from farandole.motion import rotations as rot
from farandole.motion.humanoid import HEIGHT, house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)
HELD_OUT_TAKES = ("03", "07")
"""Takes that no shipped weight is trained on; both partners are held out."""

SOURCE_UNIT = HEIGHT / 1.193
"""Metres per unit of the recordings: the body measures about 1.193 units from toe to the top of the head."""

SOURCE_FPS = 60.0
"""Frame rate of the recordings; circulating copies call them 120 fps."""

GLITCH_SPEEDS = {"trunk and legs": 25.0, "arms": 44.0}
"""Angular speeds above which a frame is a tracking error, rad/s; in clean frames these joints stay below 20 and 40."""

LEAD_IN = 0.1
"""Seconds dropped at the start of every recording, where it still comes out of the calibration pose."""

_FROM_CMU = {
    "Hips": "hip",
    "Spine": "abdomen",
    "Spine1": "chest",
    "Neck": "neck",
    "Head": "head",
    **{
        f"{side}{ours}": f"{letter}{theirs}"
        for side, letter in (("Left", "l"), ("Right", "r"))
        for ours, theirs in (
            ("Arm", "Shldr"),
            ("ForeArm", "ForeArm"),
            ("Hand", "Hand"),
            ("UpLeg", "Thigh"),
            ("Leg", "Shin"),
            ("Foot", "Foot"),
        )
    },
}


@dataclass(frozen=True)
class SalsaTake:
    """One dancer of one take.

    Attributes:
        take: Number of the take, as text; the partners of a take share it.
        subject: "60" or "61".
        motion: On the house skeleton, 30 fps, floor at y = 0.
        bpm: Counts per minute.
        count_at_0: Count at frame 0; count 0 (mod 8) is this partner's "1". Steps fall on 1, 2, 3, 5, 6, 7.
        fit: How well the step pattern fits; below 0.95 the grid is uncertain.
    """

    take: str
    subject: str
    motion: Motion
    bpm: float
    count_at_0: float
    fit: float

    @property
    def name(self) -> str:
        """salsa_<subject>_<take>, as the recordings are called."""
        return f"salsa_{self.subject}_{self.take}"

    @property
    def role(self) -> str:
        """Subject 60 leads, subject 61 follows."""
        return "lead" if self.subject == "60" else "follow"

    @property
    def held_out(self) -> bool:
        """Whether the take is kept out of training."""
        return self.take in HELD_OUT_TAKES

    @property
    def count(self) -> Array:
        """Continuous count of every frame, [T]."""
        return self.count_at_0 + np.arange(len(self.motion)) / self.motion.fps * self.bpm / 60.0


def clean_take(recorded: Motion, *, fps: float = 30.0) -> Motion:
    """A recording on its own 60 fps skeleton, mended and put on the house skeleton.

    Args:
        recorded: As read from the BVH with SOURCE_UNIT metres per unit.
        fps: Frame rate of the result.
    """
    body = house_skeleton()
    recorded = recorded.slice(round(LEAD_IN * recorded.fps))
    local = rot.identity(len(recorded), len(body))
    for ours, theirs in _FROM_CMU.items():
        local[:, body.index(ours)] = recorded.rotations[:, recorded.skeleton.index(theirs)]
    local, root = _without_glitches(local, recorded.root_positions, recorded.fps)
    motion = Motion(body, local, root, recorded.fps, name=recorded.name)
    root = root - np.array([0.0, floor_height(motion), 0.0])
    return Motion(body, local, root, recorded.fps, name=recorded.name).resample(fps)


def floor_height(motion: Motion) -> float:
    """Height on which the standing foot of a house-skeleton motion rests, m: the median over slow frames of its lower sole."""
    from farandole.motion.kinematics import velocity

    body = motion.skeleton
    toes = motion.positions[:, [body.index("LeftToeBase"), body.index("RightToeBase")]]
    ends = np.array([body.end_sites[n] for n in ("LeftToeBase", "RightToeBase")])
    turns = motion.global_rotations[:, [body.index("LeftToeBase"), body.index("RightToeBase")]]
    tips = toes + rot.rotate(turns, ends)
    lowest = np.minimum(toes[..., 1] + ends[:, 1], tips[..., 1])
    slow = np.linalg.norm(velocity(toes, motion.fps), axis=-1) < 0.3
    standing = np.where(slow, lowest, np.inf).min(axis=1)
    standing = standing[np.isfinite(standing)]
    return float(np.median(standing if len(standing) else lowest.min(axis=1)))


def _without_glitches(local: Array, root: Array, fps: float) -> tuple[Array, Array]:
    """Poses interpolated over frames in which some joint turns faster than a body can.

    A glitch jumps away and, up to a quarter of a second later, back again, and joints that depend on each other go wrong together:
    so jumps that are close are taken as one run, and in a run the whole body is interpolated.
    """
    body = house_skeleton()
    arms = [body.index(n) for n in body.names if "Arm" in n or "Hand" in n]
    limit = np.full(len(body), GLITCH_SPEEDS["trunk and legs"])
    limit[arms] = GLITCH_SPEEDS["arms"]
    jumps = np.flatnonzero((rot.angle_between(local[:-1], local[1:]) * fps > limit).any(axis=1))
    bad = np.zeros(len(local), bool)
    for run in np.split(jumps, np.flatnonzero(np.diff(jumps) > 0.25 * fps) + 1):
        if len(run):
            bad[max(run[0] - 1, 1) : min(run[-1] + 3, len(local) - 1)] = True
    good = np.flatnonzero(~bad)
    frames = np.flatnonzero(bad)
    after = np.searchsorted(good, frames)
    low, high = good[after - 1], good[after]
    t = (frames - low) / (high - low)
    local, root = local.copy(), root.copy()
    local[frames] = rot.slerp(local[low], local[high], np.broadcast_to(t[:, None], (len(t), len(body))))
    root[frames] = root[low] + (root[high] - root[low]) * t[:, None]
    return local, root


def find_salsa(folder: Path) -> list[Path]:
    """The salsa recordings in a folder and those below it, in the order of their names.

    `salsa_<60|61>_<take>.bvh` (public conversions of the takes without their leading T-pose), or else CMU's own
    `<60|61>_<take>.amc` with their .asf, as `farandole download cmu` leaves them. Empty if there are none.
    """
    for pattern in ("salsa_6[01]_*.bvh", "6[01]_*.amc"):
        found = {
            _name(path): path for path in sorted(folder.rglob(pattern)) if path.stem.rpartition("_")[2] in _grids()
        }
        if found:
            return [found[name] for name in sorted(found)]
    return []


def salsa_takes(folder: Path) -> Iterator[SalsaTake]:
    """The takes of a folder with the recordings, cleaned, in name order.

    Rotations are rounded to 0.003 degrees (unit quaternions to 1/32767), as they were for the corpus of the shipped weights.

    Raises:
        DataError: If the folder holds none of them.
    """
    paths = find_salsa(folder)
    if not paths:
        raise DataError(
            f"{folder} holds no salsa: needed are salsa_60_01.bvh ... or, from CMU, 60_01.amc ... and 60.asf, 61.asf"
        )
    for path in paths:
        _, subject, take = _name(path).split("_")
        grid = _grids()[take]
        count = grid[f"count_at_0_subject_{subject}"] + LEAD_IN * grid["bpm"] / 60.0
        yield SalsaTake(take, subject, _rounded(_read(path)), float(grid["bpm"]), float(count), float(grid["fit"]))


def _name(path: Path) -> str:
    return path.stem if path.stem.startswith("salsa_") else f"salsa_{path.stem}"


@lru_cache(maxsize=1)
def _grids() -> dict[str, dict[str, float]]:
    """Tempo, count at 0 s and fit of each take: estimated from the speeds of the feet, see docs/starter-model.md."""
    return json.loads(
        resources.files("farandole.data.starter").joinpath("salsa_grids.json").read_text(encoding="utf-8")
    )


def _read(path: Path) -> Motion:
    from farandole.motion.files import load_motion
    from farandole.motion.files.bvh import read_bvh
    from farandole.motion.retarget import retarget

    if path.suffix.lower() == ".bvh":
        return clean_take(read_bvh(path, scale=SOURCE_UNIT))
    motion = load_motion(path).resample(SOURCE_FPS)
    motion = retarget(motion, house_skeleton()).slice(round(LEAD_IN * SOURCE_FPS))
    root = motion.root_positions - np.array([0.0, floor_height(motion), 0.0])
    return replace(motion, root_positions=root, name=_name(path)).resample(30.0)


def _rounded(motion: Motion) -> Motion:
    moving = [motion.skeleton.index(n) for n in _FROM_CMU]
    local = rot.identity(len(motion), len(motion.skeleton))
    stored = np.round(rot.unroll(motion.rotations)[:, moving] * 32767).astype(np.int16)
    local[:, moving] = rot.normalize(stored.astype(float))
    return replace(motion, rotations=local, root_positions=motion.root_positions.astype(np.float32).astype(float))
