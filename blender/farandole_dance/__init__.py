"""Farandole for Blender: give the armature a song, get a dance as keys.

The work is done by the installed `farandole` command; nothing of it is loaded into Blender. `rotations`, `body`, `glb_file`,
`bvh_file`, `controls` and `commands` know nothing of Blender and can be imported without it.
"""

from __future__ import annotations

bl_info = {
    "name": "Farandole",
    "author": "The farandole authors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > Farandole",
    "description": "Dances for the selected armature: from songs, between keys, onwards, anew",
    "category": "Animation",
}
"""For Blender before 4.2; later ones read blender_manifest.toml."""


def _classes():
    from . import operators, panel, settings

    return (*settings.CLASSES, *operators.CLASSES, *panel.CLASSES)


def register() -> None:
    """Called by Blender when the add-on is switched on."""
    import bpy

    from .settings import FARANDOLE_PG_settings

    for cls in _classes():
        bpy.utils.register_class(cls)
    bpy.types.Scene.farandole = bpy.props.PointerProperty(type=FARANDOLE_PG_settings)


def unregister() -> None:
    """Called by Blender when the add-on is switched off."""
    import bpy

    del bpy.types.Scene.farandole
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)
