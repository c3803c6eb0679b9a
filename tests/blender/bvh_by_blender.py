"""Reads a BVH with Blender's own importer and writes it with its exporter: `-- IN SCALE OUT.bvh HEADS.npz`."""

from __future__ import annotations

import importlib
import sys

import addon_utils
import bpy
import numpy as np

source, scale, target, heads = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
addon_utils.enable("io_anim_bvh", default_set=True)
importer = importlib.import_module("io_anim_bvh.import_bvh")
if bpy.app.version < (3, 5, 0):  # its importer opens files as "rU", which Python 3.11 no longer knows
    importer.open = lambda path, _mode, **how: open(path, **how)  # noqa: SIM115
bpy.ops.import_anim.bvh(filepath=source, global_scale=float(scale), update_scene_fps=True, update_scene_duration=True)
rig, scene = bpy.context.object, bpy.context.scene
first, last = rig.animation_data.action.frame_range
frames = range(round(first), round(last) + 1)
positions = []
for frame in frames:
    scene.frame_set(frame)
    positions.append([rig.matrix_world @ bone.head for bone in rig.pose.bones])
np.savez(
    heads, names=[b.name for b in rig.pose.bones], positions=positions, fps=scene.render.fps / scene.render.fps_base
)
bpy.ops.export_anim.bvh(
    filepath=target, frame_start=frames[0], frame_end=frames[-1], global_scale=1.0 / float(scale), rotate_mode="ZXY"
)
