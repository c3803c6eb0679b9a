"""Armatures built inside Blender, as animators have them: one like Mixamo's, one like Rigify's metarig, one moved by controls.

Run inside Blender only.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
from mathutils import Matrix, Vector

# Left half of a body that stands in a T-pose, looking along -y: name -> (parent, head, tail), metres.
TRUNK = {
    "Hips": (None, (0, 0, 0.98), (0, 0, 1.08)),
    "Spine": ("Hips", (0, 0, 1.08), (0, 0, 1.20)),
    "Spine1": ("Spine", (0, 0, 1.20), (0, 0, 1.33)),
    "Spine2": ("Spine1", (0, 0, 1.33), (0, 0, 1.50)),
    "Neck": ("Spine2", (0, 0.01, 1.50), (0, 0, 1.60)),
    "Head": ("Neck", (0, 0, 1.60), (0, 0, 1.80)),
}
LIMBS = {
    "Shoulder": ("Spine2", (0.03, 0, 1.46), (0.16, 0, 1.46)),
    "Arm": ("Shoulder", (0.17, 0, 1.46), (0.45, 0.01, 1.46)),
    "ForeArm": ("Arm", (0.45, 0.01, 1.46), (0.70, 0, 1.46)),
    "Hand": ("ForeArm", (0.70, 0, 1.46), (0.80, 0, 1.46)),
    "UpLeg": ("Hips", (0.09, 0, 0.93), (0.10, -0.01, 0.50)),
    "Leg": ("UpLeg", (0.10, -0.01, 0.50), (0.10, 0.02, 0.09)),
    "Foot": ("Leg", (0.10, 0.02, 0.09), (0.10, -0.11, 0.03)),
    "ToeBase": ("Foot", (0.10, -0.11, 0.03), (0.10, -0.19, 0.02)),
}
WIDTHS = {
    "Hips": 0.15, "Spine": 0.13, "Spine1": 0.14, "Spine2": 0.16, "Neck": 0.05, "Head": 0.09, "Shoulder": 0.05, "Arm": 0.05,
    "ForeArm": 0.04, "Hand": 0.035, "UpLeg": 0.08, "Leg": 0.055, "Foot": 0.045, "ToeBase": 0.045, "Finger": 0.01,
}  # fmt: skip
FACES = ((0, 1, 2, 3), (7, 6, 5, 4), (0, 4, 5, 1), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 4, 0))
METARIG = {
    "Hips": "spine", "Spine": "spine.001", "Spine1": "spine.002", "Spine2": "spine.003", "Neck": "spine.004",
    "Head": "spine.006", "Shoulder": "shoulder", "Arm": "upper_arm", "ForeArm": "forearm", "Hand": "hand", "UpLeg": "thigh",
    "Leg": "shin", "Foot": "foot", "ToeBase": "toe",
}  # fmt: skip


def joints() -> dict[str, tuple[str | None, Vector, Vector]]:
    """The whole body by house names, with three joints of four fingers and a thumb on each hand."""
    result = {n: (p, Vector(a), Vector(b)) for n, (p, a, b) in TRUNK.items()}
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        flip = Matrix.Diagonal((sign, 1.0, 1.0))
        for name, (parent, head, tail) in LIMBS.items():
            above = parent if parent in TRUNK else side + parent
            result[side + name] = (above, flip @ Vector(head), flip @ Vector(tail))
        for k, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
            above = side + "Hand"
            start = Vector((0.80, -0.045 + 0.02 * k, 1.46)) if k else Vector((0.73, -0.04, 1.45))
            step = Vector((0.03, 0, 0)) if k else Vector((0.02, -0.02, -0.005))
            for n in range(1, 4):
                name = f"{side}Hand{finger}{n}"
                result[name] = (above, flip @ (start + (n - 1) * step), flip @ (start + n * step))
                above = name
    return result


def clean_scene(fps: int = 30) -> None:
    """An empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = fps


def mixamo_like() -> Any:
    """Centimetres under an object scaled by 0.01 and turned, as Blender's FBX importer leaves Mixamo's; quaternions."""
    place = Matrix.Rotation(math.radians(90.0), 4, "X") @ Matrix.Scale(0.01, 4)
    return build("Armature", lambda n: "mixamorig:" + n, place, roll=0.35)


def metarig_like() -> Any:
    """Names, sides and Euler rotations as in Rigify's human metarig, standing apart from the origin and turned."""

    def name(house: str) -> str:
        for side, letter in (("Left", ".L"), ("Right", ".R")):
            if house.startswith(side):
                part = house.removeprefix(side)
                if part.startswith("Hand") and part != "Hand":
                    finger = part[4:-1].lower().replace("index", "f_index").replace("middle", "f_middle")
                    finger = finger.replace("ring", "f_ring").replace("pinky", "f_pinky")
                    return f"{finger}.0{part[-1]}{letter}"
                return METARIG[part] + letter
        return METARIG[house]

    place = Matrix.Translation((2.0, 1.0, 0.5)) @ Matrix.Rotation(math.radians(30.0), 4, "Z")
    armature = build("metarig", name, place, roll=0.0)
    for n, bone in enumerate(armature.pose.bones):
        bone.rotation_mode = ("XYZ", "ZXY", "YZX", "QUATERNION", "AXIS_ANGLE")[n % 5]
    return armature


def controlled() -> Any:
    """Bones that move the mesh copy controls of the same place, as in rigs made for animators."""
    armature = build("rig", lambda n: "DEF-" + n, Matrix.Identity(4), roll=0.0)
    select(armature)
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    for bone in list(edit):
        control = edit.new("CTRL-" + bone.name[4:])
        control.head, control.tail, control.roll = bone.head, bone.tail, bone.roll
        control.use_deform = False
    for bone in [b for b in edit if b.name.startswith("DEF-")]:
        if bone.parent:
            edit["CTRL-" + bone.name[4:]].parent = edit["CTRL-" + bone.parent.name[4:]]
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        if bone.name.startswith("DEF-"):
            copy = bone.constraints.new("COPY_TRANSFORMS")
            copy.target, copy.subtarget = armature, "CTRL-" + bone.name[4:]
            copy.mix_mode = "REPLACE"
    return armature


def build(label: str, name_of: Any, place: Matrix, roll: float) -> Any:
    """An armature with a body of boxes."""
    data = bpy.data.armatures.new(label)
    armature = bpy.data.objects.new(label, data)
    bpy.context.scene.collection.objects.link(armature)
    select(armature)
    inner = (place.to_3x3().to_4x4()).inverted()
    bpy.ops.object.mode_set(mode="EDIT")
    for house, (parent, head, tail) in joints().items():
        bone = data.edit_bones.new(name_of(house))
        bone.head, bone.tail = inner @ head, inner @ tail
        bone.roll += roll
        if parent:
            bone.parent = data.edit_bones[name_of(parent)]
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.matrix_world = place
    bpy.context.view_layer.update()
    points, faces, groups = [], [], {}
    for house, (_, head, tail) in joints().items():
        part = house.removeprefix("Left").removeprefix("Right")
        width = WIDTHS.get(part, WIDTHS["Finger"])
        first = len(points)
        points += _box(head, tail, width, flat=part in ("Foot", "ToeBase"))
        faces += [[first + n for n in face] for face in FACES]
        groups[name_of(house)] = range(first, first + 8)
    mesh = bpy.data.meshes.new(label + " body")
    mesh.from_pydata([inner @ p for p in points], [], faces)
    mesh.update()
    thing = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.parent = armature
    for name, members in groups.items():
        thing.vertex_groups.new(name=name).add(list(members), 1.0, "REPLACE")
    thing.modifiers.new("Armature", "ARMATURE").object = armature
    bpy.context.view_layer.update()
    return armature


def _box(head: Vector, tail: Vector, width: float, *, flat: bool) -> list[Vector]:
    along = (tail - head).normalized()
    side = along.cross(Vector((0, 0, 1)) if abs(along.z) < 0.9 else Vector((0, 1, 0))).normalized()
    other = along.cross(side)
    if flat:  # shoes reach the floor
        heel = head + Vector((0, 0.05 if head.y > 0 else 0, 0))
        return [
            Vector((p.x + s * width, p.y, p.z + 0.02 if top else 0.0))
            for p in (heel, tail)
            for s, top in ((-1, False), (1, False), (1, True), (-1, True))
        ]
    return [
        p + width * (a * side + b * 0.8 * other) for p in (head, tail) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]


def select(thing: Any) -> None:
    """Make an object the active one."""
    for other in bpy.context.selected_objects:
        other.select_set(False)
    bpy.context.view_layer.objects.active = thing
    thing.select_set(True)


def dress(rig: Any, prefix: str = "DEF-") -> Any:
    """A mesh of boxes along the bones with a prefix, shoes down to z = 0."""
    points: list[Vector] = []
    faces: list[list[int]] = []
    groups: dict[str, range] = {}
    for bone in rig.data.bones:
        if not bone.name.startswith(prefix) or "pelvis" in bone.name or "breast" in bone.name:
            continue
        name = bone.name.lower()
        first, shoe = len(points), "foot" in name or "toe" in name
        if bone.head_local.z < 0.02 and not shoe:
            continue  # a root on the floor
        width = 0.045 if shoe else 0.1 if "spine" in name or "hips" in name else min(0.05, 0.25 * bone.length)
        points += _box(bone.head_local, bone.tail_local, width, flat=shoe)
        faces += [[first + n for n in face] for face in FACES]
        groups[bone.name] = range(first, first + 8)
    mesh = bpy.data.meshes.new("body")
    mesh.from_pydata(points, [], faces)
    thing = bpy.data.objects.new("body", mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.parent = rig
    for name, members in groups.items():
        thing.vertex_groups.new(name=name).add(list(members), 1.0, "REPLACE")
    thing.modifiers.new("Armature", "ARMATURE").object = rig
    bpy.context.view_layer.update()
    return thing


def of_empties() -> Any:
    """An armature from the empties that a character without a skin is imported as, dressed."""
    places = {
        o.name: (o.parent.name if o.parent else None, o.matrix_world.translation.copy()) for o in bpy.data.objects
    }
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    rig = bpy.data.objects.new("character", bpy.data.armatures.new("character"))
    bpy.context.scene.collection.objects.link(rig)
    select(rig)
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (_, head) in places.items():
        bone = rig.data.edit_bones.new(name)
        below = [p for above, p in places.values() if above == name]
        bone.head = head
        bone.tail = below[0] if len(below) == 1 and (below[0] - head).length > 0.01 else head + Vector((0, 0, 0.05))
        if len(below) > 1 and "Spine" not in name and "Hips" not in name:
            bone.tail = sum(below, Vector()) / len(below)
    for name, (parent, _) in places.items():
        if parent:
            rig.data.edit_bones[name].parent = rig.data.edit_bones[parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    dress(rig, "")
    return rig
