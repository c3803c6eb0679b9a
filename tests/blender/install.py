"""Installs the zip in Blender as a person would: `-- ZIP COMMAND OUT` writes what happened to OUT (JSON)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy

archive, command, out = sys.argv[sys.argv.index("--") + 1 :]
if bpy.app.version >= (4, 2, 0):
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    module = "bl_ext.user_default.farandole_dance"
else:
    bpy.ops.preferences.addon_install(filepath=archive)
    module = "farandole_dance"
    bpy.ops.preferences.addon_enable(module=module)
facts = {"blender": bpy.app.version_string, "panel": hasattr(bpy.types, "FARANDOLE_PT_panel")}
bpy.context.preferences.addons[module].preferences.command = command
facts["check"] = sorted(bpy.ops.farandole.check())
bpy.context.preferences.addons[module].preferences.command = "/nowhere/farandole"
try:
    bpy.ops.farandole.check()
except RuntimeError as error:
    facts["missing"] = str(error).strip()
bpy.ops.preferences.addon_disable(module=module)
facts["gone"] = not hasattr(bpy.types, "FARANDOLE_PT_panel") and not hasattr(bpy.types.Scene, "farandole")
Path(out).write_text(json.dumps(facts))
