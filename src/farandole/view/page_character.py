"""Characters on a page: whose file a take is shown on, and what a page needs to put a take on a file that is dropped onto it."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole.errors import RetargetError
from farandole.motion import names
from farandole.motion.motion import Motion
from farandole.motion.retarget import anatomy_frames
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from farandole.motion.characters import BvhCharacter, Character
    from farandole.motion.files.gltf.container import Container

log = logging.getLogger(__name__)

_NOT_SHOWN = {
    "KHR_draco_mesh_compression": "Draco-compressed meshes",
    "KHR_texture_basisu": "Basis-compressed textures",
}


@dataclass(frozen=True, eq=False)
class CharacterFile:
    """A .glb or .vrm that a page carries.

    Attributes:
        name: What the page calls it.
        data: Its bytes.
        roles: House joint names and the nodes that play them, by number and name; empty where none was recognised.
    """

    name: str
    data: bytes
    roles: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Costume:
    """A take as an animation of a character's file: number `animation`, or the file's rest pose where that is None."""

    file: CharacterFile
    animation: int | None


def costumes(
    character: Character | BvhCharacter, motions: Sequence[Motion], *, root: str = "auto"
) -> list[Costume | None]:
    """The character with each motion, to be shown by a page; None for each where a page cannot show the file (says why).

    Args:
        character: Whose file the motions are put on; a .bvh has nothing to look at.
        motions: Any humanoid motions.
        root: What carries the travel, see `Character.animate`.

    Raises:
        RetargetError: If the character cannot be moved like this.
    """
    from farandole.motion.characters import BvhCharacter

    if isinstance(character, BvhCharacter) or not _showable(character.container):
        return [None] * len(motions)
    data = character.glb(motions, root=root, replace=True)
    file = CharacterFile(character.path.stem, data, _roles(character))
    return [Costume(file, k) for k in range(len(motions))]


def own_costume(
    path: str | Path, animation: int | str | None = None, *, mapping: str | Path | None = None
) -> Costume | None:
    """What a .glb, .gltf or .vrm shows of itself: its meshes with its own animation, or at rest; None where there is nothing.

    Args:
        path: Any motion file.
        animation: Which animation, as of `load_motion`.
        mapping: A map file that corrects which node plays which part.

    Files that farandole wrote without a character show the mannequin, which a page draws anyhow.

    Raises:
        FileFormatError: If it is damaged.
    """
    path = Path(path)
    if path.suffix.lower() not in (".glb", ".gltf", ".vrm") or not path.is_file():
        return None
    from farandole.motion.characters import Character
    from farandole.motion.files.gltf.container import Container
    from farandole.motion.files.gltf.takes import choose_take
    from farandole.motion.humanoid.map_file import read_map

    container = Container.open(path)
    own = container.document.get("asset", {}).get("generator") == "farandole"
    if own or not container.items("meshes") or not _showable(container):
        return None
    take = choose_take(container, animation)
    takes = container.items("animations")
    number = None if take is None else next(n for n, t in enumerate(takes) if t is take)
    try:
        character = Character(container, None if mapping is None else read_map(mapping))
    except RetargetError:
        if not container.binary:
            return None
        return Costume(CharacterFile(path.stem, path.read_bytes()), number)
    return Costume(CharacterFile(path.stem, character.glb(()), _roles(character)), number)


def role_names(character: Character | BvhCharacter) -> dict[str, str]:
    """House joint names and the joints of the character that play them."""
    return {role: character.skeleton.names[joint] for role, joint in character.roles.items()}


def characters_data(worn: Sequence[Costume | None]) -> tuple[list[dict[str, Any]], list[dict[str, int] | None]]:
    """The files as a page carries them, each once; and for each take which of them, and which animation (-1: at rest)."""
    files: list[CharacterFile] = []
    uses: list[dict[str, int] | None] = []
    for costume in worn:
        if costume is None:
            uses.append(None)
            continue
        if not any(costume.file is f for f in files):
            files.append(costume.file)
        number = next(n for n, f in enumerate(files) if f is costume.file)
        uses.append({"file": number, "animation": -1 if costume.animation is None else costume.animation})
    carried = [
        {
            "name": f.name,
            "roles": {r: list(pair) for r, pair in f.roles.items()},
            "data": base64.b64encode(f.data).decode(),
        }
        for f in files
    ]
    return carried, uses


def humanoid_data(motion: Motion) -> dict[str, Any] | None:
    """What tells a page how a motion moves any human: per part its joint, the rotation from T-pose axes to the joint's own, and a
    body in an exact T-pose, as tall in the legs, m. None for motions of anything else.
    """
    from farandole.motion.files.gltf.vrma import t_pose

    try:
        roles = names.humanoid_roles(motion.skeleton)
        frames = anatomy_frames(motion.skeleton, roles, motion)
        upright = t_pose(motion.skeleton)
    except RetargetError:
        return None
    known = [r for r in roles if r in frames]
    plain = lambda v: [round(float(x), 6) for x in v]  # noqa: E731
    place: dict[str, Array] = dict(zip(upright.names, upright.rest_positions + upright.offsets[0], strict=True))
    return {
        "roles": {r: int(roles[r]) for r in known},
        "frames": {r: plain(frames[r]) for r in known},
        "rest": {r: plain(place[r]) for r in upright.names},
    }


def _roles(character: Character) -> dict[str, tuple[int, str]]:
    body = character.bodies[0]
    return {role: (int(body.nodes[joint]), body.skeleton.names[joint]) for role, joint in body.roles.items()}


def _showable(container: Container) -> bool:
    used = container.document.get("extensionsUsed", [])
    wrong = next((text for name, text in _NOT_SHOWN.items() if isinstance(used, list) and name in used), None)
    if wrong is not None:
        log.warning(
            "%s: the page shows the mannequin: browsers cannot show %s without more files", container.path, wrong
        )
    return wrong is None
