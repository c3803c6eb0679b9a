"""The add-on's operators: tasks driven beside a live window (with progress and Esc), or straight through from a script."""

from __future__ import annotations

from typing import Any

import bpy

from . import tasks
from .commands import CommandError, Job, find_command
from .settings import command

_STEP = 0.1
_SLICE = 0.03
"""Seconds between looks at a running command, and of work at a stretch."""
running: list[FARANDOLE_Task] = []
"""The task under way, if any: one at a time."""


class FARANDOLE_Task:
    """What all of the operators do around their task."""

    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    task: Any
    share = 0.0
    label = ""
    cancelled = False

    @classmethod
    def poll(cls, context) -> bool:
        """An armature is active and not being edited, and nothing is under way."""
        thing = context.object
        return thing is not None and thing.type == "ARMATURE" and thing.mode != "EDIT" and not running

    def execute(self, context):
        """Work straight through, as scripts want it."""
        try:
            work = self._begin(context)
            while True:
                step = next(work)
                if isinstance(step, Job):
                    step.wait()
        except StopIteration as end:
            self.report({"INFO"}, end.value)
            return {"FINISHED"}
        except CommandError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def invoke(self, context, _event):
        """Work beside a live window."""
        if bpy.app.background:
            return self.execute(context)
        try:
            self._work = self._begin(context)
            self._step = next(self._work)
        except CommandError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except StopIteration as end:
            self.report({"INFO"}, end.value)
            return {"FINISHED"}
        self._timer = context.window_manager.event_timer_add(_STEP, window=context.window)
        context.window_manager.modal_handler_add(self)
        context.window_manager.progress_begin(0.0, 1.0)
        self.cancelled = False
        running.append(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        """Look after the task; Esc ends it and leaves everything as it was."""
        if self.cancelled or event.type == "ESC":
            self._work.close()
            self._end(context)
            self.report({"WARNING"}, "cancelled: nothing was changed")
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            self._advance()
        except StopIteration as end:
            self._end(context)
            self.report({"INFO"}, end.value)
            return {"FINISHED"}
        except CommandError as error:
            self._end(context)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except Exception:
            self._end(context)
            raise
        self._show(context)
        return {"RUNNING_MODAL"}

    def _begin(self, context):
        return type(self).task(context.scene, context.object, command(context), context.scene.farandole)

    def _advance(self) -> None:
        """Go on until a command has to be waited for, or the slice of time is over."""
        import time

        end = time.perf_counter() + _SLICE
        while time.perf_counter() < end:
            if isinstance(self._step, Job):
                self.share, self.label = self._step.progress, self._step.label
                if self._step.running:
                    return
            else:
                self.share, self.label = self._step, "keys"
            self._step = next(self._work)

    def _show(self, context) -> None:
        context.window_manager.progress_update(self.share)
        context.workspace.status_text_set(f"farandole: {self.label} {100 * self.share:.0f} %   (Esc: cancel)")
        for area in context.screen.areas if context.screen else ():
            if area.type == "VIEW_3D":
                area.tag_redraw()

    def _end(self, context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        context.workspace.status_text_set(None)
        running.remove(self)


class FARANDOLE_OT_dance(FARANDOLE_Task, bpy.types.Operator):
    """Dance the song on the selected armature, as a new action."""

    bl_idname = "farandole.dance"
    bl_label = "Dance"
    task = staticmethod(tasks.dance)


class FARANDOLE_OT_inbetween(FARANDOLE_Task, bpy.types.Operator):
    """Fill the frames between the selected keys; they stay as they are."""

    bl_idname = "farandole.inbetween"
    bl_label = "In-between selected keys"
    task = staticmethod(tasks.inbetween)


class FARANDOLE_OT_extend(FARANDOLE_Task, bpy.types.Operator):
    """Dance on after the last key."""

    bl_idname = "farandole.extend"
    bl_label = "Extend"
    task = staticmethod(tasks.extend)


class FARANDOLE_OT_reroll(FARANDOLE_Task, bpy.types.Operator):
    """Dance the range of the selected keys anew, with the seed; its first and last frame stay."""

    bl_idname = "farandole.reroll"
    bl_label = "Re-roll selected range"
    task = staticmethod(tasks.reroll)


class FARANDOLE_OT_cancel(bpy.types.Operator):
    """End what is under way; nothing is changed."""

    bl_idname = "farandole.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context) -> bool:
        """Something is under way."""
        return bool(running)

    def execute(self, _context):
        """Tell the task."""
        for task in running:
            task.cancelled = True
        return {"FINISHED"}


class FARANDOLE_OT_check(bpy.types.Operator):
    """Look for the command and ask for its version."""

    bl_idname = "farandole.check"
    bl_label = "Check the command"

    def execute(self, context):
        """Ask."""
        import subprocess

        try:
            program = find_command(command(context))
            answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=True)
        except (CommandError, OSError, subprocess.SubprocessError) as error:
            self.report({"ERROR"}, " ".join(str(error).split()))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{answer.stdout.strip()} ({program})")
        return {"FINISHED"}


CLASSES = (
    FARANDOLE_OT_dance, FARANDOLE_OT_inbetween, FARANDOLE_OT_extend, FARANDOLE_OT_reroll, FARANDOLE_OT_cancel,
    FARANDOLE_OT_check,
)  # fmt: skip
