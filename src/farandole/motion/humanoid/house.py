"""The house skeleton: the 1.70 m body that shipped models move, with the joint names most 3D tools expect."""

from __future__ import annotations

from farandole.motion.skeleton import Skeleton

HEIGHT = 1.70
"""Height of the house skeleton from toes to the top of the head, m."""

# Joint: parent, x, y, z in m. Proportions of the salsa dancers of the starter corpus (CMU subjects 60 and 61), symmetrised,
# T-pose, facing +z. The toe joints, which those recordings lack, sit two thirds along the foot; they do not move there.
_JOINTS = {
    "Hips": (None, 0.0, 0.9239, 0.0),
    "Spine": ("Hips", 0.0, 0.2303, -0.0081),
    "Spine1": ("Spine", 0.0, 0.1303, -0.0054),
    "Neck": ("Spine1", 0.0, 0.2470, -0.0244),
    "Head": ("Neck", 0.0, 0.0787, 0.0136),
    "LeftShoulder": ("Spine1", 0.0299, 0.2144, -0.0543),
    "LeftArm": ("LeftShoulder", 0.0977, -0.0217, 0.0163),
    "LeftForeArm": ("LeftArm", 0.3136, -0.0191, 0.0054),
    "LeftHand": ("LeftForeArm", 0.2515, 0.0086, 0.0787),
    "RightShoulder": ("Spine1", -0.0299, 0.2144, -0.0543),
    "RightArm": ("RightShoulder", -0.0977, -0.0217, 0.0163),
    "RightForeArm": ("RightArm", -0.3136, -0.0191, 0.0054),
    "RightHand": ("RightForeArm", -0.2515, 0.0086, 0.0787),
    "LeftUpLeg": ("Hips", 0.0977, 0.0294, -0.0109),
    "LeftLeg": ("LeftUpLeg", 0.0, -0.4099, 0.0081),
    "LeftFoot": ("LeftLeg", -0.0081, -0.5022, -0.0570),
    "LeftToeBase": ("LeftFoot", 0.0083, -0.0275, 0.0898),
    "RightUpLeg": ("Hips", -0.0977, 0.0294, -0.0109),
    "RightLeg": ("RightUpLeg", 0.0, -0.4099, 0.0081),
    "RightFoot": ("RightLeg", 0.0081, -0.5022, -0.0570),
    "RightToeBase": ("RightFoot", -0.0083, -0.0275, 0.0898),
}
_ENDS = {
    "Head": (0.0, 0.0898, 0.03),
    "LeftHand": (0.115, 0.005, 0.045),
    "RightHand": (-0.115, 0.005, 0.045),
    "LeftToeBase": (0.0042, -0.0137, 0.0449),
    "RightToeBase": (-0.0042, -0.0137, 0.0449),
}


def house_skeleton() -> Skeleton:
    """The 21-joint skeleton of shipped models, 1.70 m."""
    names = list(_JOINTS)
    parents = [-1 if p is None else names.index(p) for p, *_ in _JOINTS.values()]
    return Skeleton(names, parents, [xyz for _, *xyz in _JOINTS.values()], _ENDS)
