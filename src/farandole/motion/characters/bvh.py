"""A skeleton of a .bvh file as a character: motions come back on it, in the file's own unit, axes and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as with_fields
from pathlib import Path

from farandole.errors import OutputError
from farandole.motion import names
from farandole.motion.characters.root import check_root
from farandole.motion.files import load_motion, save_motion
from farandole.motion.humanoid.map_file import map_text, read_map, roles_from_map
from farandole.motion.motion import Motion
from farandole.motion.retarget import retarget
from farandole.motion.root_travel import carried_by_root, travelling_like
from farandole.motion.skeleton import Skeleton


class BvhCharacter:
    """The body of a .bvh file.

    Attributes:
        path: The file.
        example: Its motion, which tells how its joints turn where it does not rest standing.
        roles: House joint names and joints of `skeleton`.
    """

    def __init__(self, path: str | Path, mapping: str | Path | Mapping[str, str | None] | None = None) -> None:
        self.path = Path(path)
        self.example = load_motion(self.path)
        mapping = read_map(mapping) if isinstance(mapping, (str, Path)) else mapping
        roles = names.find_roles(self.skeleton)
        if mapping:
            roles = roles_from_map(self.skeleton, mapping, roles)
        self.roles: dict[str, int] = names.require_roles(self.skeleton, roles)

    def __repr__(self) -> str:
        return f"BvhCharacter({str(self.path)!r}, {len(self.skeleton)} joints, {len(self.roles)} recognised)"

    @property
    def skeleton(self) -> Skeleton:
        """Its joints."""
        return self.example.skeleton

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes that `save` can write."""
        return (".bvh",)

    def map_text(self) -> str:
        """What was recognised as the text of a map file, to be corrected by hand."""
        return map_text(self.skeleton, self.roles)

    def retarget(self, motion: Motion) -> Motion:
        """A motion on this body, to be written in the file's own layout. Raises RetargetError if the motion shows no human."""
        result = retarget(motion, self.example, roles=self.roles)
        return result if self.example.translations is None else travelling_like(carried_by_root(result), self.example)

    def save(
        self,
        path: str | Path,
        *motions: Motion,
        name: str | Sequence[str] | None = None,
        root: str = "auto",
        replace: bool = False,
        force: bool = False,
    ) -> Path:
        """Write a motion on this body as .bvh. Returns the path.

        Args:
            name: Has no place in a .bvh.
            root: "in-place" keeps the hips over one spot; else they carry all travel.
            replace: A .bvh holds one motion: that of the file never is in it.

        Raises:
            OutputError: If the suffix is another, there are several motions, or the file exists and not `force`.
        """
        check_root(root)
        path = Path(path)
        if path.suffix.lower() != ".bvh":
            raise OutputError(f"{path}: a character from .bvh is written as .bvh")
        if len(motions) != 1:
            raise OutputError(f"{path}: a .bvh holds one motion, not {len(motions)}")
        result = self.retarget(motions[0])
        if root == "in-place":
            hips = result.positions[:, self.roles["Hips"]]
            still = result.root_positions.copy()
            still[:, [0, 2]] += hips[0, [0, 2]] - hips[:, [0, 2]]
            result = with_fields(result, root_positions=still)
        return save_motion(result, path, force=force)
