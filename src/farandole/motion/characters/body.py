"""A human among the nodes of a file: its bind pose as a skeleton, and which node plays which part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from farandole.errors import RetargetError
from farandole.motion import names
from farandole.motion import rotations as rot
from farandole.motion.characters.nodes import RestTree
from farandole.motion.characters.skins import SkinnedVertices, bind_worlds, first_keys, skinned_vertices
from farandole.motion.characters.vrm import ROLE_OF_BONE, humanoid_bones, spring_nodes
from farandole.motion.files.gltf.container import Container
from farandole.motion.humanoid.map_file import roles_from_map
from farandole.motion.layout import unique_names
from farandole.motion.retarget import rests_standing
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

_SCENE = "(scene)"
_APART = 0.3  # leg lengths between the hips of two characters
_OWN_POSE = 99  # no bind pose is as unlikely: the nodes' own


@dataclass(frozen=True, eq=False)
class Body:
    """One human of a character's file.

    Attributes:
        skeleton: Its joints and all nodes above them in the bind pose, all axes along the world's, in the file's unit; joint 0 is
            the scene.
        nodes: The node of each joint, -1 for the scene.
        roles: House joint names and joints.
        world: World matrices of all the file's nodes in the bind pose, [N, 4, 4].
        vertices: What its skins move; None where there is no skin that can be read.
        owned: Nodes that springs and eyes move, which get no channels.
        skin_joints: Joints (of `skeleton`) that a skin lists.
    """

    skeleton: Skeleton
    nodes: tuple[int, ...]
    roles: dict[str, int]
    world: Array
    vertices: SkinnedVertices | None
    owned: frozenset[int]
    skin_joints: frozenset[int]

    @property
    def positions(self) -> Array:
        """Joint positions in the bind pose, in the file's world, [J, 3]."""
        return self.skeleton.rest_positions

    def is_bone(self, joint: int) -> bool:
        """Whether a joint is one of a skin's, or there is no skin: nodes in between (helpers, armatures) stay as they are."""
        return not self.skin_joints or joint in self.skin_joints

    @property
    def leg_length(self) -> float:
        """Mean length of the legs from hip to ankle along their bones, in the file's unit."""
        total = 0.0
        for side in names.SIDES:
            upper, lower, foot = (self.positions[self.roles[side + part]] for part in ("UpLeg", "Leg", "Foot"))
            total += 0.5 * float(np.linalg.norm(lower - upper) + np.linalg.norm(foot - lower))
        return total

    def is_apart(self, hips: Array) -> bool:
        """Whether hips at a place [3] of the file's world are another character's."""
        away = (hips - self.positions[self.roles["Hips"]])[[0, 2]]
        return float(np.hypot(*away)) > _APART * self.leg_length

    @property
    def facing(self) -> Array:
        """Rotation [4] about the vertical from +z to where the body looks in the bind pose; right angles are exact."""
        left, right = ([self.roles[side + part] for part in ("UpLeg", "Arm")] for side in names.SIDES)
        across = (self.positions[left] - self.positions[right]).sum(axis=0)
        front = rot.cross(across, np.array([0.0, 1.0, 0.0]))
        angle = float(np.arctan2(front[0], front[2]))
        quarter = round(angle / (0.5 * np.pi)) * 0.5 * np.pi
        return rot.from_yaw(quarter if abs(angle - quarter) < np.deg2rad(20.0) else angle)


def find_bodies(container: Container, tree: RestTree, mapping: Mapping[str, str | None] | None) -> list[Body]:
    """The humans of a file, the one with the most joints first.

    They are looked for in the pose that the skins are bound in; where nobody stands in it (bones in a row), in the nodes' own pose,
    then in the one that the file's first animation begins with.

    Args:
        mapping: Role -> node, for what is not recognised, see `humanoid.map_file`.

    Raises:
        RetargetError: If there is none; says what is missing.
    """
    result, error = _bodies_in(bind_worlds(container, tree), container, tree, mapping)
    for choice in (1, 2, _OWN_POSE):
        if not result:
            result, _ = _bodies_in(bind_worlds(container, tree, choice), container, tree, mapping)
    if not result and container.document.get("animations"):
        result, _ = _bodies_in(tree.posed(first_keys(container)), container, tree, mapping)
    if not result:
        message = f"{container.path}: cannot dance: {error or 'it has no skeleton'}"
        if isinstance(error, names.MissingPartsError):
            message += " (a --map can say which is which; farandole info --map writes one to fill in)"
            raise names.MissingPartsError(message, error.skeleton, error.roles) from None
        raise RetargetError(message) from None
    return result


def _bodies_in(
    world: Array, container: Container, tree: RestTree, mapping: Mapping[str, str | None] | None
) -> tuple[list[Body], RetargetError | None]:
    """Humans that stand in a pose [N, 4, 4] of the nodes, and what is wrong with the first that does not."""
    vertices = skinned_vertices(container, tree, world)
    bones = humanoid_bones(container)
    owned = frozenset(spring_nodes(container, tree))
    skin_joints = {j for skin in container.document.get("skins", []) for j in skin["joints"]}
    deforming = set(vertices.joints[vertices.weights > 0.0].tolist()) if vertices is not None else skin_joints
    result: list[Body] = []
    recognised: list[Body] = []  # those too that a map leaves out
    first_error = None
    for group in _groups(container, tree, set(bones.values())):
        skeleton, nodes = _skeleton(tree, world, group)
        index = {node: j for j, node in enumerate(nodes)}
        roles = {ROLE_OF_BONE[b]: index[n] for b, n in bones.items() if b in ROLE_OF_BONE and n in index}
        try:
            if roles:
                roles = names.with_trunk(skeleton, roles)
            else:
                roles = names.find_roles(skeleton, [j for j, n in enumerate(nodes) if n in deforming])
            roles = _unmirrored(roles, world, nodes)
            skeleton = _with_names_of_its_own(skeleton, roles, recognised)
            joints = frozenset(j for j, n in enumerate(nodes) if n in skin_joints)
            body = Body(skeleton, nodes, roles, world, vertices, owned, joints)
            if all(role in roles for role in names.ESSENTIAL):
                recognised.append(body)
            if mapping:
                roles = roles_from_map(skeleton, mapping, roles)
            names.require_roles(skeleton, roles)
            if "Spine1" not in roles:
                raise RetargetError("no chest that carries both arms and the head")
            if _on_all_fours(skeleton, roles):
                raise RetargetError("it stands on four legs, and a dance is for two")
            if not rests_standing(skeleton, roles):
                raise RetargetError("its bind pose does not stand upright in the file's world (y up)")
        except RetargetError as error:
            first_error = first_error or error
            continue
        result.append(replace(body, roles=roles))
    return result, first_error


def _with_names_of_its_own(skeleton: Skeleton, roles: dict[str, int], others: list[Body]) -> Skeleton:
    """The skeleton; of a character that stands beside those found before, with numbers on names that they have, so that a map can
    tell them apart. Clothes with bones of their own stand where their wearer does and keep their names.
    """
    if "Hips" not in roles or not any(body.is_apart(skeleton.rest_positions[roles["Hips"]]) for body in others):
        return skeleton
    taken = [name for body in others for name in body.skeleton.names[1:]]
    return replace(skeleton, names=(_SCENE, *unique_names([*taken, *skeleton.names[1:]])[len(taken) :]))


def _unmirrored(roles: dict[str, int], world: Array, nodes: tuple[int, ...]) -> dict[str, int]:
    """Roles with sides changed where a mirrored node (of negative scale) above the body has made its left hand its right one."""
    hips = roles.get("Hips", 0)
    if hips == 0 or np.linalg.det(world[nodes[hips]][:3, :3]) > 0.0:
        return roles
    swap = dict(zip(names.SIDES, names.SIDES[::-1], strict=True))
    other = {r: next((swap[s] + r.removeprefix(s) for s in swap if r.startswith(s)), r) for r in roles}
    return {r: roles[other[r]] for r in names.ROLES if r in other and other[r] in roles}


def _on_all_fours(skeleton: Skeleton, roles: dict[str, int]) -> bool:
    """Whether the ends of the arms stand where the feet do, below a spine that lies level."""
    at = skeleton.rest_positions
    spine = rot.normalize(at[roles["Spine1"]] - at[roles["Hips"]])
    height = lambda part: float(np.mean([at[roles.get(s + part, roles[s + "ForeArm"]), 1] for s in names.SIDES]))  # noqa: E731
    hips, feet = height("UpLeg"), height("Foot")
    leg = float(np.mean([np.linalg.norm(at[roles[s + "UpLeg"]] - at[roles[s + "Foot"]]) for s in names.SIDES]))
    return bool(spine[1] < 0.7 and hips - feet > 0.5 * leg and height("Hand") - feet < 0.3 * (hips - feet))


def _groups(container: Container, tree: RestTree, bones: set[int]) -> list[set[int]]:
    """Joints that belong together: those of skins that share joints or hang on each other; the largest group first."""
    groups: list[set[int]] = []
    sets = [set(skin["joints"]) for skin in container.document.get("skins", [])]
    if bones:
        sets.append(bones)
    if not sets:
        sets = [set(range(len(tree.names)))] if tree.names else []
    above = [{a for j in s for a in tree.ancestors(j)} for s in sets]
    for joints, over in sorted(zip(sets, above, strict=True), key=lambda pair: -len(pair[0])):
        touching = [g for g in groups if g & joints or g & over]
        merged = joints.union(*touching)
        groups = [g for g in groups if not any(g is t for t in touching)] + [merged]
    return sorted(groups, key=lambda g: -len(g))


def _skeleton(tree: RestTree, world: Array, joints: set[int]) -> tuple[Skeleton, tuple[int, ...]]:
    inside = joints | {a for j in joints for a in tree.ancestors(j)}
    nodes = [n for n in tree.order if n in inside]
    index = {node: k + 1 for k, node in enumerate(nodes)}
    parents = [-1, *(index.get(tree.parents[n], 0) for n in nodes)]
    positions = np.vstack((np.zeros(3), world[nodes][:, :3, 3]))
    offsets = positions.copy()
    offsets[1:] -= positions[parents[1:]]
    labels = unique_names([_SCENE, *(tree.names[n] for n in nodes)])
    return Skeleton(labels, parents, offsets), (-1, *nodes)
