"""Acclaim motions (.amc): values of each bone's degrees of freedom, frame by frame, for a skeleton in an .asf file.

A bone turns by its axes times the turns times the axes' inverse, so that all joints rest unturned and a frame of zeros is the rest
pose. Files do not tell their frame rate: CMU recorded at 120 frames per second, its subjects 60 and 61 at 60.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np

from farandole.errors import FileFormatError, MotionError
from farandole.motion import rotations as rot
from farandole.motion import units
from farandole.motion.files.acclaim.asf import Acclaim, Bone, applied_in_order, parse_asf
from farandole.motion.files.sources import read_bytes
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

log = logging.getLogger(__name__)

CMU_FPS = 120.0
"""Frame rate of CMU's recordings, which their files do not tell."""
_SLOW = {"60": 60.0, "61": 60.0}
"""Rates of the subjects recorded otherwise."""
_FRAME_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_CMU_LENGTH = 0.45
_INCH = 0.0254


def read_amc(path: str | Path, *, skeleton: str | Path | None = None, name: str | None = None) -> Motion:
    """Read an .amc together with its .asf.

    Args:
        path: The motion.
        skeleton: The .asf; by default the one beside it: "02.asf" for "02_01.amc", "name.asf", or the only one there.
        name: Name of the motion; by default the file's.

    Raises:
        FileFormatError: If there is no skeleton file, or one of the two is damaged.
    """
    path = Path(path)
    data = read_bytes(path)
    asf = Path(skeleton) if skeleton is not None else _skeleton_beside(path)
    fps = _SLOW.get(path.stem.partition("_")[0], CMU_FPS) if re.fullmatch(r"\d+_\d+", path.stem) else CMU_FPS
    body = parse_asf(read_bytes(asf).decode("latin-1"), str(asf))
    return parse_amc(data.decode("latin-1"), body, fps=fps, name=name or path.stem, source=str(path))


def _skeleton_beside(path: Path) -> Path:
    there = {p.name.lower(): p for p in path.parent.glob("*") if p.suffix.lower() == ".asf"}
    for stem in (path.stem, path.stem.rpartition("_")[0], path.stem.partition("_")[0]):
        if f"{stem}.asf".lower() in there:
            return there[f"{stem}.asf".lower()]
    if len(there) == 1:
        return next(iter(there.values()))
    wanted = f"{path.stem.partition('_')[0]}.asf"
    raise FileFormatError(f"{path} needs the skeleton it belongs to: no {wanted} beside it")


def parse_amc(
    text: str, body: Acclaim, *, fps: float = CMU_FPS, name: str = "motion", source: str = "AMC text"
) -> Motion:
    """A motion from the text of an .amc.

    Args:
        body: Its skeleton, see `parse_asf`.
        fps: Frame rate.

    Returns:
        A motion of one joint per bone, at the bone's beginning, in metres; CMU's files are y up.

    Raises:
        FileFormatError: One line that names the file, the line and what is wrong there.
    """
    degrees, values = _values(text, body, source)
    frames = len(values[body.bones[0].name])
    offsets, ends = _rest(body)
    names = [bone.name for bone in body.bones]
    parents = [-1 if bone.parent is None else names.index(bone.parent) for bone in body.bones]
    rotations = rot.identity(frames, len(names))
    for joint, bone in enumerate(body.bones):
        rotations[:, joint] = _rotations(bone, values[bone.name], degrees)
    try:
        skeleton = Skeleton(names, parents, offsets, ends)
        unit = _INCH / body.length if body.length == _CMU_LENGTH else _unit(skeleton)
        root = (np.array(body.place) + _moves(body.bones[0], values[body.bones[0].name])) * unit
        return Motion(skeleton.scaled(unit), rot.normalize(rotations), root, fps, name=name)
    except MotionError as error:
        raise FileFormatError(f"{source}: {error}") from error


def _values(text: str, body: Acclaim, source: str) -> tuple[bool, dict[str, Array]]:
    """Whether angles are degrees, and the values [T, D] of every bone by name; zeros where a frame does not list it."""
    fail = lambda number, what: FileFormatError(f"{source}, line {number}: {what}")  # noqa: E731
    dof = {bone.name: len(bone.dof) for bone in body.bones}
    degrees = body.degrees
    frames: list[dict[str, list[float]]] = []
    last = None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            key = words[0].lower()
            degrees = True if key == ":degrees" else False if key == ":radians" else degrees
        elif len(words) == 1 and _FRAME_NUMBER.fullmatch(words[0]):
            if last is not None and int(words[0]) != last + 1:
                log.warning("%s, line %d: frame %s follows frame %d", source, number, words[0], last)
            last = int(words[0])
            frames.append({})
        elif not frames:
            raise fail(number, f"'{words[0]}' before the first frame number: not an Acclaim motion")
        else:
            name = words[0]
            if name not in dof:
                raise fail(number, f"the skeleton has no bone '{name}'")
            if len(words) - 1 != dof[name]:
                raise fail(number, f"'{name}' has {len(words) - 1} values, the skeleton gives it {dof[name]}")
            try:
                frames[-1][name] = [float(w) for w in words[1:]]
            except ValueError:
                raise fail(number, f"'{' '.join(words[1:])}' are not numbers") from None
    if not frames:
        raise FileFormatError(f"{source} has no frames: not an Acclaim motion")
    # A frame that lacks bones at the end of a file was cut off.
    if len(frames) > 1 and len(frames[-1]) < len(frames[-2]):
        raise FileFormatError(f"{source} is cut off in frame {last}: {len(frames[-1])} of {len(frames[-2])} bones")
    values = {
        name: np.array([frame.get(name, [0.0] * count) for frame in frames]).reshape(len(frames), count)
        for name, count in dof.items()
    }
    wrong = next((name for name, v in values.items() if not np.isfinite(v).all()), None)
    if wrong is not None:
        raise FileFormatError(f"{source}: '{wrong}' has values that are not finite")
    return degrees, values


def _rest(body: Acclaim) -> tuple[Array, dict[str, Array]]:
    """Offsets [J, 3] of the joints, each at the end of the bone above, and tips of the last bones, in file units."""
    vectors = {bone.name: np.array(bone.vector) for bone in body.bones}
    offsets = np.array([body.place if b.parent is None else vectors[b.parent] for b in body.bones])
    with_children = {bone.parent for bone in body.bones}
    return offsets, {b.name: vectors[b.name] for b in body.bones if b.name not in with_children}


def _rotations(bone: Bone, values: Array, degrees: bool) -> Array:
    """Local rotations [T, 4] of a bone, from the values [T, D] of its degrees of freedom."""
    columns = [i for i, d in enumerate(bone.dof) if d.startswith("r")]
    turn = applied_in_order(values[:, columns], bone.turn_order, degrees=degrees)
    return rot.multiply(rot.multiply(bone.axes, turn), rot.inverse(bone.axes))


def _moves(bone: Bone, values: Array) -> Array:
    """Translations [T, 3] in file units."""
    result = np.zeros((len(values), 3))
    for column, dof in enumerate(bone.dof):
        if dof.startswith("t"):
            result[:, "xyz".index(dof[1])] = values[:, column]
    return result


def _unit(skeleton: Skeleton) -> float:
    """Metres per unit of a body in no known unit, from its height."""
    unmoved = rot.identity(1, len(skeleton)), np.zeros((1, 3))
    return units.find_axes_and_unit(skeleton, *unmoved, None)[2]
