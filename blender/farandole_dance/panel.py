"""The panel in the sidebar of the 3D view."""

from __future__ import annotations

import bpy

from .operators import running


class FARANDOLE_PT_panel(bpy.types.Panel):
    """Song to dance, and what to do with it."""

    bl_idname = "FARANDOLE_PT_panel"
    bl_label = "Farandole"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Farandole"

    def draw(self, context) -> None:
        """Draw."""
        layout, settings = self.layout, context.scene.farandole
        layout.use_property_split = True
        layout.use_property_decorate = False
        if context.object is None or context.object.type != "ARMATURE":
            layout.label(text="Select an armature", icon="INFO")
        column = layout.column()
        for name in (
            "song",
            "start",
            "seconds",
            "seed",
            "style",
            "energy",
            "temperature",
            "root",
            "markers",
            "add_sound",
        ):
            column.prop(settings, name)
        layout.operator("farandole.dance", icon="ARMATURE_DATA")
        column = layout.column(align=True)
        column.prop(settings, "more")
        column.operator("farandole.extend")
        column = layout.column(align=True)
        column.prop(settings, "method")
        column.operator("farandole.inbetween")
        layout.operator("farandole.reroll")
        for task in running:
            column = layout.column(align=True)
            column.label(text=f"{task.label} {100 * task.share:.0f} %", icon="TIME")
            column.operator("farandole.cancel", icon="X")
        column = layout.column()
        for name in ("model", "map_file", "song_start"):
            column.prop(settings, name)


CLASSES = (FARANDOLE_PT_panel,)
