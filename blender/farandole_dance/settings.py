"""What is chosen: properties of the scene, and the add-on's preferences."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

MARKERS = (
    ("NONE", "None", "No markers"),
    ("BARS", "Bars", "On the first beat of each bar"),
    ("BEATS", "Beats", "On every beat"),
)
METHODS = (
    ("auto", "Model", "The shipped in-between model, else smooth curves"),
    ("hermite", "Smooth", "Curves that keep the speed at the kept frames"),
    ("slerp", "Straight", "Straight lines and arcs"),
    ("dance", "Dance", "The dance model, to the song if there is one"),
)
ROOTS = (
    ("AUTO", "Auto", "A root bone on the floor if there is one, else the hips"),
    ("HIPS", "Hips", "The hips carry the travel"),
    ("FLOOR", "Root bone", "A root bone on the floor carries x, y and the turn"),
    ("IN_PLACE", "In place", "Nobody travels"),
)


class FARANDOLE_PG_settings(bpy.types.PropertyGroup):
    """Choices for the next dance."""

    song: StringProperty(name="Song", description="Sound file: wav, flac, ogg, mp3, m4a ...", subtype="FILE_PATH")
    start: IntProperty(name="Start", description="Frame at which song and dance begin", default=1)
    song_start: IntProperty(name="Song begins", description="Frame at which the song on the timeline begins", default=1)
    seed: IntProperty(name="Seed", description="Another number, another dance", min=0, default=0)
    style: StringProperty(name="Style", description="auto, or a style of the model: salsa, groove ...", default="auto")
    energy: FloatProperty(name="Energy", description="How big the dance is", min=0.25, max=2.0, default=1.0)
    temperature: FloatProperty(name="Boldness", description="0: the most typical moves", min=0.0, max=2.0, default=1.0)
    seconds: FloatProperty(name="Length", description="Seconds to dance; 0: the whole song", min=0.0, default=0.0)
    more: FloatProperty(name="Add", description="Seconds to add", min=0.1, default=5.0)
    model: StringProperty(name="Model", description="Name of a model or a checkpoint folder", default="starter")
    method: EnumProperty(name="Method", items=METHODS, default="auto")
    root: EnumProperty(name="Travel", description="What carries the travel", items=ROOTS, default="AUTO")
    map_file: StringProperty(
        name="Map",
        description="Text file that says which bone is which part, if one is taken wrongly",
        subtype="FILE_PATH",
    )
    add_sound: BoolProperty(name="Sound on the timeline", default=True)
    markers: EnumProperty(name="Markers", items=MARKERS, default="BARS")


class FARANDOLE_AP_preferences(bpy.types.AddonPreferences):
    """Where the command is."""

    bl_idname = __package__
    command: StringProperty(
        name="Command", description="The farandole command; empty: the one on PATH", subtype="FILE_PATH", default=""
    )

    def draw(self, _context) -> None:
        """Draw."""
        self.layout.prop(self, "command")
        self.layout.operator("farandole.check", icon="CHECKMARK")


def command(context) -> str:
    """The command that the preferences name, "" for the one on PATH."""
    addon = context.preferences.addons.get(__package__)
    return addon.preferences.command if addon else ""


CLASSES = (FARANDOLE_PG_settings, FARANDOLE_AP_preferences)
