"""The salsa half of the starter corpus: 24 clips of a couple from the CMU motion capture database, cleaned and packed.

The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.

Faults of the recordings that are mended here (`clean_take`): one-frame rotation glitches in some takes, subject 61 floating a
few centimetres above the floor, units of about 1.425 m. Circulating copies call the files 120 fps; they are 60 fps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
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


def pack_recordings(source: Path, target: Path) -> None:
    """Read the 24 BVH files and beats.json in `source`, clean them and write one compact npz.

    Rotations are stored as 16-bit integers (unit quaternions times 32767: 0.003 degrees), root paths as 32-bit floats.
    """
    from farandole._io import atomic_path
    from farandole.motion.bvh import read_bvh

    grids = json.loads((source / "beats.json").read_text())
    arrays: dict[str, np.ndarray] = {"acknowledgement": np.array(ACKNOWLEDGEMENT), "fps": np.array(30.0)}
    moving = [house_skeleton().index(n) for n in _FROM_CMU]
    for path in sorted(source.glob("salsa_*.bvh")):
        _, subject, take = path.stem.split("_")
        motion = clean_take(read_bvh(path, scale=SOURCE_UNIT))
        grid = grids[take]
        arrays[f"{path.stem}/rotations"] = np.round(rot.unroll(motion.rotations)[:, moving] * 32767).astype(np.int16)
        arrays[f"{path.stem}/root"] = motion.root_positions.astype(np.float32)
        count = grid[f"count_at_0_subject_{subject}"] + LEAD_IN * grid["bpm"] / 60.0
        arrays[f"{path.stem}/grid"] = np.array([grid["bpm"], count, grid["fit"]])
    if len(arrays) == 2:
        raise DataError(f"{source} holds no salsa_<subject>_<take>.bvh files")
    with atomic_path(target, force=True) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def salsa_takes() -> Iterator[SalsaTake]:
    """The packed takes that come with the package, in name order."""
    body = house_skeleton()
    moving = [body.index(n) for n in _FROM_CMU]
    with resources.files("farandole.data").joinpath("cmu_salsa.npz").open("rb") as file, np.load(file) as pack:
        for name in sorted({k.split("/")[0] for k in pack.files if "/" in k}):
            _, subject, take = name.split("_")
            stored = pack[f"{name}/rotations"]
            local = rot.identity(len(stored), len(body))
            local[:, moving] = rot.normalize(stored.astype(float))
            motion = Motion(body, local, pack[f"{name}/root"].astype(float), float(pack["fps"]), name=name)
            yield SalsaTake(take, subject, motion, *map(float, pack[f"{name}/grid"]))
