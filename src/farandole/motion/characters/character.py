"""A user's own character: their file, with motions on its own nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from farandole import _io
from farandole.errors import FarandoleError, FileFormatError, MotionError, OutputError
from farandole.motion.characters import pose
from farandole.motion.characters.addition import Addition, packed
from farandole.motion.characters.animation import Track, add_animation, tracks
from farandole.motion.characters.arms import Arms, clear_arms
from farandole.motion.characters.body import Body, find_bodies
from farandole.motion.characters.nodes import RestTree
from farandole.motion.characters.root import check_root, root_joint, root_places
from farandole.motion.characters.solve import Solver
from farandole.motion.characters.stance import Feet, find_steps
from farandole.motion.characters.surface import Surface, node_worlds, read_surface
from farandole.motion.files.gltf.container import Container
from farandole.motion.humanoid.map_file import map_text, read_map
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

SUFFIXES = (".glb", ".gltf", ".vrm")
"""Files that `Character.load` reads."""
_LISTS = ("nodes", "buffers", "bufferViews", "accessors", "animations", "skins", "meshes", "images")
_DAMAGE = (KeyError, IndexError, TypeError, AttributeError, ValueError, ArithmeticError)


class Character:
    """A rigged figure of a .glb, .gltf or .vrm file; nothing of it is ever changed, animations are added.

    Attributes:
        path: The file.
        bodies: The humans in it, largest first; several where clothes have bones of their own. All of them dance.
    """

    @np.errstate(over="ignore", invalid="ignore")
    def __init__(self, container: Container, mapping: Mapping[str, str | None] | None = None) -> None:
        self.path = container.path
        self._container = container
        if "asset" not in container.document:
            raise FileFormatError(f"{self.path} is no glTF 2.0 document")
        for key in _LISTS:
            container.items(key)
        try:
            self._nodes = RestTree(container)
            self.bodies: tuple[Body, ...] = tuple(find_bodies(container, self._nodes, mapping))
            self._prepared = [(b, Solver(b, self._nodes), Feet(b), Arms(b)) for b in self.bodies]
        except _DAMAGE as error:
            if isinstance(error, FarandoleError):
                raise
            raise FileFormatError(f"{container.path}: its skeleton or skin is damaged ({error})") from error

    @classmethod
    def load(cls, path: str | Path, *, mapping: str | Path | Mapping[str, str | None] | None = None) -> Character:
        """Read a character.

        Args:
            path: .glb, .vrm (0.x or 1.0) or .gltf.
            mapping: Role -> node, or a map file (see `humanoid.map_file`), for what is recognised wrongly.

        Raises:
            FileFormatError: If it is no such file, or damaged.
            RetargetError: If it has no human skeleton; says what is missing.
        """
        return cls(Container.open(Path(path)), read_map(mapping) if isinstance(mapping, (str, Path)) else mapping)

    def __repr__(self) -> str:
        return f"Character({str(self.path)!r}, {len(self.skeleton)} joints, {len(self.roles)} recognised)"

    @property
    def container(self) -> Container:
        """The file that it is in."""
        return self._container

    @property
    def skeleton(self) -> Skeleton:
        """Joints of the first body in the bind pose, axes along the world's, in the file's unit; joint 0 is the scene."""
        return self.bodies[0].skeleton

    @property
    def roles(self) -> dict[str, int]:
        """House joint names and joints of `skeleton`."""
        return dict(self.bodies[0].roles)

    @property
    def apart(self) -> list[str]:
        """Names of the hips of characters that stand beside each other in the file; none if there is one (clothes are none)."""
        first, *others = self.bodies
        beside = [b for b in others if first.is_apart(b.positions[b.roles["Hips"]])]
        names = [b.skeleton.names[b.roles["Hips"]] for b in beside]
        return [self.skeleton.names[self.roles["Hips"]], *names] if names else []

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes that `save` can write."""
        return (".glb", ".vrm") if self._container.binary else (".gltf", ".glb")

    @property
    def animations(self) -> list[str]:
        """Names of the animations that the file has."""
        return [str(a.get("name") or i) for i, a in enumerate(self._container.document.get("animations", []))]

    def map_text(self) -> str:
        """What was recognised as the text of a map file, to be corrected by hand and given to `load`."""
        return map_text(self.skeleton, self.roles)

    def animate(
        self,
        motion: Motion | Sequence[Motion],
        *,
        name: str | Sequence[str] | None = None,
        root: str = "auto",
        replace: bool = False,
    ) -> bytes:
        """The character's file with a motion as an animation of its own nodes, or several motions as several animations.

        Args:
            motion: Any humanoid motion.
            name: Name of the animation, or of each; by default the motion's. One that exists already gets a number.
            root: "hips": the hips carry all travel; "floor": a root bone on the floor carries x, z and the turn about the vertical;
                "in-place": nobody travels along the floor; "auto": "floor" where there is such a bone, else "hips".
            replace: Drop the animations that the file has.

        Returns:
            Bytes of the same kind of file. Meshes, skins, materials, morphs, springs, extensions are as before.

        Raises:
            RetargetError: If a motion lacks essential parts, or `root` asks for a bone that is not there.
            MotionError: If there is no motion, or names and motions differ in number.
        """
        check_root(root)
        motions = [motion] if isinstance(motion, Motion) else list(motion)
        labels = [m.name for m in motions] if name is None else [name] if isinstance(name, str) else list(name)
        if not motions:
            raise MotionError("nothing to animate with: need at least one motion")
        if len(labels) != len(motions):
            raise MotionError(f"{len(labels)} names for {len(motions)} motions")
        addition = Addition(self._container)
        if replace:
            addition.document.pop("animations", None)
        taken = {str(a.get("name")) for a in addition.document.get("animations", [])}
        for label, take in zip(labels, motions, strict=True):
            label = _free(label, taken)
            taken.add(label)
            extras: dict[str, Any] = {"fps": float(take.fps), "name": take.name}
            if take.markers is not None:
                extras |= take.markers.as_dict()
            add_animation(addition, label, take.fps, self._tracks(take, root), extras)
        return addition.pack()

    def surface(self) -> Surface:
        """What is seen of it. Raises FileFormatError if it has no meshes, or they are compressed or damaged."""
        return read_surface(self._container, self._nodes)

    def matrices(self, motion: Motion, surface: Surface, *, root: str = "auto") -> Array:
        """What moves a surface's vertices during a motion: from their spaces to the file's world, [T, M, 4, 4].

        Raises:
            RetargetError: If the motion lacks essential parts, or `root` asks for a bone that is not there.
        """
        check_root(root)
        return node_worlds(self._nodes, self._tracks(motion, root), len(motion), surface.nodes) @ surface.inverse

    def glb(
        self,
        motion: Motion | Sequence[Motion],
        *,
        name: str | Sequence[str] | None = None,
        root: str = "auto",
        replace: bool = False,
    ) -> bytes:
        """The character in one .glb, whatever its file is; arguments as of `animate`, but no motion leaves it as it is."""
        none = not isinstance(motion, Motion) and not motion
        if none:
            data = Addition(self._container).pack()
        else:
            data = self.animate(motion, name=name, root=root, replace=replace)
        return data if self._container.binary else packed(self._container, data)

    def save(
        self,
        path: str | Path,
        *motions: Motion,
        name: str | Sequence[str] | None = None,
        root: str = "auto",
        replace: bool = False,
        force: bool = False,
    ) -> Path:
        """Write the character with motions as animations; whole or not at all. Returns the path.

        A .glb or .vrm is written as .glb or .vrm; a .gltf as .gltf, with what lies beside it, or packed as .glb.

        Raises:
            OutputError: If the file exists and not `force`, cannot be written, or has a suffix that does not fit.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in self.suffixes:
            raise OutputError(f"{path}: a character from {self.path.suffix} is written as {' or '.join(self.suffixes)}")
        data = self.animate(motions, name=name, root=root, replace=replace)
        if not self._container.binary and suffix == ".glb":
            data = packed(self._container, data)
        beside = {} if self._container.binary or suffix == ".glb" else self._beside(path.parent)
        with _io.atomic_paths([path, *beside], force=force) as temporaries:
            for temporary, content in zip(temporaries, [data, *beside.values()], strict=True):
                temporary.write_bytes(content)
        return path

    def _beside(self, folder: Path) -> dict[Path, bytes]:
        """Buffers and images that a .gltf in another folder needs beside it and that are not there already."""
        result = {}
        for kind in ("buffer", "image"):
            for entry in self._container.items(kind + "s"):
                uri = entry.get("uri")
                if uri and not uri.startswith("data:"):
                    content, target = self._container.resource(uri, kind), folder / unquote(uri)
                    if not (target.is_file() and target.read_bytes() == content):
                        result[target] = content
        return result

    @np.errstate(over="ignore", invalid="ignore")  # a damaged file's numbers are told in words
    def _tracks(self, motion: Motion, root: str) -> list[Track]:
        try:
            result = self._body_tracks(motion, root)
        except np.linalg.LinAlgError as error:
            raise FileFormatError(f"{self.path}: its skeleton or skin is damaged ({error})") from error
        if not all(np.isfinite(track.values).all() for track in result):
            raise FileFormatError(f"{self.path}: its skeleton or skin is damaged (numbers that are not finite)")
        return result

    def _body_tracks(self, motion: Motion, root: str) -> list[Track]:
        result: list[Track] = []
        steps = find_steps(motion)
        first = self.bodies[0]
        for body, solver, feet, arms in self._prepared:
            turns = pose.world_turns(motion, body)
            hips = body.roles["Hips"]
            # A second body keeps its place beside the first one.
            beside = (body.positions[hips] - first.positions[first.roles["Hips"]]) * np.array([1.0, 0.0, 1.0])
            path = feet.hips(motion, steps, turns[hips]) + beside
            shift = np.zeros_like(path) + beside
            if root == "in-place":
                stay = (path[:1] - path) * np.array([1.0, 0.0, 1.0])
                path, shift = path + stay, shift + stay
            bone = root_joint(body, feet.floor, root)
            places = {hips: path}
            if bone is not None:
                turns |= root_places(body, bone, turns[hips], path, places)
            poses = feet.stand(solver, steps, turns, places, motion.fps, shift)
            poses = clear_arms(arms, solver, turns, places, poses, motion.fps)
            result += tracks(body, solver, self._nodes, poses, pose.relaxed_fingers(body))
        return result


def _free(name: str, taken: set[str]) -> str:
    label, number = name, 1
    while label in taken:
        number += 1
        label = f"{name} {number}"
    return label
