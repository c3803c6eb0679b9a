"""The add-on in a real window (under Xvfb): progress, Esc, the panel.

`blender --factory-startup --enable-event-simulate --python window.py -- SONG OUT`, with SONG a file in the folder OUT.

Dances beside the live window, then again and presses Esc; writes OUT/facts.json and pictures, and ends Blender.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "blender")]

import armatures  # noqa: E402
import farandole_dance  # noqa: E402
from farandole_dance import operators  # noqa: E402

song, folder = sys.argv[sys.argv.index("--") + 1 :]
out = Path(folder)
facts: dict[str, Any] = {"shares": [], "labels": []}


def view() -> tuple[Any, Any]:
    """The window and its 3D view."""
    window = bpy.context.window_manager.windows[0]
    return window, next(a for a in window.screen.areas if a.type == "VIEW_3D")


def invoke(name: str) -> None:
    """Start an operator as a button does."""
    window, area = view()
    region = next(r for r in area.regions if r.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        getattr(bpy.ops.farandole, name)("INVOKE_DEFAULT", True)


def picture(name: str) -> None:
    """What the window shows."""
    window, _ = view()
    with bpy.context.temp_override(window=window):
        bpy.ops.screen.screenshot(filepath=str(out / name))


def click(x: int, y: int) -> Iterator[float]:
    """Move there, press and release the left button, each seen by Blender on its own."""
    window, _ = view()
    for event, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
        window.event_simulate(event, value, x=x, y=y)
        yield 0.5


def steps() -> Iterator[float]:
    """What happens; yields seconds to wait."""
    window, area = view()
    settings = bpy.context.scene.farandole
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    rig = armatures.mixamo_like()
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "window.blend"))
    rig.show_in_front, rig.data.display_type = True, "STICK"
    area.spaces.active.show_region_ui = True
    yield 3.0
    side = next(r for r in area.regions if r.type == "UI")
    if hasattr(side, "active_panel_category"):
        side.active_panel_category = "Farandole"
    else:  # its tab is the last one
        yield from click(200, 200)  # closes the splash screen
        yield from click(side.x + side.width - 12, side.y + side.height - 170)
    yield 1.0
    action = rig.animation_data.action.name if rig.animation_data else None
    settings.song, settings.seconds, settings.seed, settings.style, settings.start = f"//{song}", 8.0, 3, "auto", 1
    invoke("dance")
    taken = False
    while operators.running:
        task = operators.running[0]
        facts["shares"].append(task.share)
        facts["labels"].append(task.label)
        if task.share > 0.3 and task.label == "dancing" and not taken:
            taken = True
            area.tag_redraw()
            yield 0.3
            picture("running.png")
        yield 0.1
    danced = rig.animation_data.action.name
    bpy.context.scene.frame_set(30)
    with bpy.context.temp_override(
        window=window, area=area, region=next(r for r in area.regions if r.type == "WINDOW")
    ):
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_orbit(angle=0.5, type="ORBITRIGHT")
        bpy.ops.view3d.view_selected()
    facts["danced"] = (action, danced)
    yield 0.5
    picture("danced.png")
    settings.seed = 4
    invoke("dance")
    yield 0.5
    window.event_simulate("ESC", "PRESS")
    yield 1.0
    facts["cancelled"] = not operators.running and rig.animation_data.action.name == danced
    invoke("dance")
    yield 0.3
    bpy.ops.farandole.cancel()
    window.event_simulate("MOUSEMOVE", "NOTHING", x=200, y=200)
    yield 1.0
    facts["cancelled by the button"] = not operators.running and rig.animation_data.action.name == danced


def main() -> None:
    """Take the steps beside the window's own work."""
    farandole_dance.register()
    work = steps()

    def tick() -> float | None:
        try:
            return next(work)
        except StopIteration:
            pass
        except Exception as error:
            facts["error"] = repr(error)
        (out / "facts.json").write_text(json.dumps(facts))
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(tick, first_interval=2.0)


main()
