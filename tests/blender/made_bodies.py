"""Bodies as Blender tells of them, made of the house skeleton: z up, looking along -y, each bone with axes of its own."""

from __future__ import annotations

import numpy as np
from farandole_dance.body import Body, Bone, build_body
from farandole_dance.glb_file import Skin
from farandole_dance.rotations import Z_UP_TO_Y_UP

from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton

HOUSE = house_skeleton()
TO_Z_UP = Z_UP_TO_Y_UP[:3, :3].T


def bones(prefix: str = "") -> list[Bone]:
    """The house skeleton standing on the floor, with random axes."""
    random = np.random.default_rng(3)
    heads = HOUSE.rest_positions.copy()
    heads[:, 1] -= heads[:, 1].min() - 0.03
    heads = heads @ TO_Z_UP.T
    result = []
    for j, name in enumerate(HOUSE.names):
        matrix = np.eye(4)
        matrix[:3, :3] = rot.to_matrix(rot.from_rotvec(random.normal(size=3)))
        matrix[:3, 3] = heads[j]
        children = [k for k, p in enumerate(HOUSE.parents) if p == j]
        tail = heads[children[0]] if children else heads[j] + [0.0, -0.05, 0.0]
        parent = None if j == 0 else prefix + HOUSE.names[HOUSE.parents[j]]
        result.append(Bone(prefix + name, parent, matrix, np.array(tail)))
    return result


def armature(turn: float = 0.0, scale: float = 1.0, place: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """World matrix (y up) of an armature object turned about the vertical, scaled and placed."""
    world = np.eye(4)
    world[:3, :3] = scale * rot.to_matrix(rot.from_rotvec(np.array([0.0, 0.0, turn])))
    world[:3, 3] = place
    return Z_UP_TO_Y_UP @ world


def scaled(bones_: list[Bone], factor: float) -> list[Bone]:
    """The same bones in another unit."""
    result = []
    for bone in bones_:
        matrix = bone.matrix.copy()
        matrix[:3, 3] *= factor
        result.append(Bone(bone.name, bone.parent, matrix, bone.tail * factor, bone.deform))
    return result


def body(turn: float = 0.0, scale: float = 1.0, place: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Body:
    """The body in an armature object turned about the vertical, scaled (its bones the other way round) and placed."""
    return build_body(scaled(bones(), 1.0 / scale), armature(turn, scale, place))


def shoes(made: Body) -> Skin:
    """Two shoes of 5 x 10 points whose soles lie 3 cm below the toe joints."""
    points, joints = [], []
    for side in ("Left", "Right"):
        foot, toe = made.names.index(side + "Foot"), made.names.index(side + "ToeBase")
        a, b = made.rest[foot, :3, 3], made.rest[toe, :3, 3]
        unit = np.linalg.norm(made.rest[0, :3, 3]) or 1.0
        for along in np.linspace(-0.3, 1.6, 10):
            for across in np.linspace(-0.04, 0.04, 5):
                p = a + along * (b - a)
                points.append([p[0] + across * unit, p[1], b[2] - 0.03 * unit])
                joints.append([toe if along > 1.0 else foot, 0, 0, 0])
    return Skin(np.array(points), np.array(joints), np.tile([1.0, 0.0, 0.0, 0.0], (len(points), 1)))


def random_pose(made: Body, frames: int = 40, seed: int = 1) -> np.ndarray:
    """A smooth random motion in the armature's space, [T, J, 4, 4]."""
    from farandole_dance.body import pose_from_local

    random = np.random.default_rng(seed)
    t = np.arange(frames)[:, None] / 30.0
    local = np.repeat(made.local_rest[None], frames, axis=0)
    for j in range(len(made.names)):
        turn = rot.to_matrix(rot.from_rotvec(0.5 * np.sin(3.0 * t + random.uniform(0, 6, 3))))
        local[:, j, :3, :3] = local[:, j, :3, :3] @ turn
    size = np.ptp(made.rest[:, :3, 3], axis=0).max()
    local[:, 0, :3, 3] += 0.1 * size * np.sin(t + np.array([0.0, 1.0, 2.0]))
    return pose_from_local(made, local)
