"""Recordings of free motion for the starter corpus: found in folders, put on the house skeleton, trimmed, on the floor.

What is done about each recording's faults: its real frame rate (CMU's subjects 60 and 61 were recorded at 60 fps, whatever copies
say), joints that its body cannot tell (a robot's head, collars and toes) are noted, standing at both ends is cut, and the floor is
set clip by clip.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.data.download.corpus_download import ARCHIVES
from farandole.data.starter.salsa import ACKNOWLEDGEMENT, SOURCE_FPS, find_salsa, floor_height
from farandole.errors import DataError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.motion.codecs import Codec

FPS = 30.0
SHORTEST = 2.0
"""Seconds that must be left of a recording."""
STANDING = 0.08
"""Mean speed of the joints below which a body stands, m/s."""
MARGIN = 0.3
"""Seconds of standing that are left at either end."""
G1_LICENCE = "G1 Moves by Experiential Technologies (Mitch Chaiet, Jasmine Coro, Mike Gassaway), CC BY 4.0."
_PARTS = ("Neck", "Head", "LeftShoulder", "RightShoulder", "LeftToeBase", "RightToeBase", "LeftHand", "RightHand")
"""Joints that not every body has. A spine of one bone shares its bend among two and counts as known."""
_STILL = np.radians(0.5)  # a joint that never leaves its first pose by more is none that was recorded


@dataclass(frozen=True)
class Recording:
    """A recording that is to be read.

    Attributes:
        path: Motion file.
        style: What is danced.
        split: train or test.
        licence: Its terms.
    """

    path: Path
    style: str
    split: str
    licence: str


@dataclass(frozen=True)
class FreeTake:
    """A recording on the house skeleton.

    Attributes:
        recording: Where it is from.
        motion: 30 fps, floor at y = 0, without standing at the ends.
        unknown_joints: Joints of the house skeleton whose turns its body could not tell: they count in no loss.
    """

    recording: Recording
    motion: Motion
    unknown_joints: tuple[str, ...]


def find_recordings(folder: Path) -> tuple[list[Recording], list[dict[str, str]]]:
    """All motions in a folder and those below it, but for the salsa; and those that are left out, with the reason.

    G1 Moves and CMU takes are known by their file names (free_motion.csv); others take their folder's name for their style.

    Raises:
        DataError: If there is no such folder.
    """
    from farandole.motion.files import READABLE

    if not folder.is_dir():
        raise DataError(f"{folder} is no folder with recordings")
    salsa = set(find_salsa(folder))
    found, left_out = [], []
    for path in sorted(folder.rglob("*")):
        unpacked = ARCHIVES not in path.relative_to(folder).parts
        if path.suffix.lower() not in READABLE or path in salsa or path.name.startswith(".") or not unpacked:
            continue
        known = next((row for row in _table() if fnmatchcase(path.stem, row["pattern"])), None)
        if known and not known["style"]:
            left_out.append({"name": path.stem, "problem": f"left out: {known['note']}"})
        else:
            style, split = (known["style"], known["split"]) if known else (path.parent.name, "")
            found.append(Recording(path, style, split or "train", _licence(path)))
    return found, left_out


def read_take(recording: Recording) -> FreeTake:
    """Read and clean one recording.

    Raises:
        FarandoleError: If it cannot be read or is no human body.
        DataError: If less than 2 s of movement are left.
    """
    from farandole.motion.codecs import plain_body
    from farandole.motion.files import load_motion
    from farandole.motion.retarget import retarget

    source = plain_body(load_motion(recording.path))
    if re.match(r"^(salsa_)?6[01]_\d+$", recording.path.stem) and source.fps > 1.5 * SOURCE_FPS:
        source = replace(source, fps=SOURCE_FPS)
    unknown = unknown_joints(source)
    motion = retarget(source, house_skeleton()).resample(FPS)
    motion = without_standing(replace(motion, name=recording.path.stem))
    if motion.seconds < SHORTEST:
        raise DataError(f"{recording.path}: {motion.seconds:.1f} s of movement, at least {SHORTEST:g} s are needed")
    floor = np.array([0.0, floor_height(motion), 0.0])
    return FreeTake(recording, replace(motion, root_positions=motion.root_positions - floor), unknown)


def unknown_joints(motion: Motion) -> tuple[str, ...]:
    """Joints of the house skeleton that a recording's body lacks, or has but never turns: nothing was recorded there."""
    roles = names.find_roles(motion.skeleton)
    unknown = []
    for part in _PARTS:
        joint = roles.get(part)
        if joint is None:
            unknown.append(part)
            continue
        turns = motion.rotations[:, joint]
        if rot.angle_between(turns, np.broadcast_to(turns[:1], turns.shape)).max() < _STILL:
            unknown.append(part)
    return tuple(unknown)


def without_standing(motion: Motion) -> Motion:
    """The motion without standing at its ends, but for 0.3 s of it; as it is if it stands all the time."""
    from scipy.ndimage import gaussian_filter1d

    speed = gaussian_filter1d(
        np.linalg.norm(motion.velocities, axis=-1).mean(axis=1), 0.15 * motion.fps, mode="nearest"
    )
    moving = np.flatnonzero(speed > STANDING)
    if not len(moving):
        return motion
    margin = round(MARGIN * motion.fps)
    return motion.slice(max(0, int(moving[0]) - margin), min(len(motion), int(moving[-1]) + 1 + margin))


def valid_columns(codec: Codec, unknown: Sequence[str]) -> Array:
    """Which columns of a motion feature are known where some joints are not, [D] bool.

    Turns of an unknown joint are unknown, and so are positions of the joints below it.

    Args:
        codec: The feature's codec: its columns are called "<joint> ...", "<joint>_alpha", and positions "<joint> <axis> m".
        unknown: Names of joints.
    """
    skeleton = codec.skeleton
    below: set[str] = set()
    for joint, parent in enumerate(skeleton.parents):
        if joint and (skeleton.names[parent] in unknown or skeleton.names[parent] in below):
            below.add(skeleton.names[joint])
    kinds = [(re.split(r"[ _]", column)[0], column.endswith(" m")) for column in codec.columns]
    return np.array([joint not in (below if is_position else unknown) for joint, is_position in kinds])


def _licence(path: Path) -> str:
    if re.match(r"^\d+_\d+", path.stem):
        return ACKNOWLEDGEMENT
    return G1_LICENCE if re.match(r"^[JBM]_", path.stem) else ""


@lru_cache(maxsize=1)
def _table() -> list[dict[str, str]]:
    text = resources.files("farandole.data.starter").joinpath("free_motion.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
