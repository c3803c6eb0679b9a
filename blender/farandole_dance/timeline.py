"""The scene's side of a dance: frame rate, sound strip, markers, length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MARK = "\u266a "
_STRIP = "farandole"


def frame_rate(scene: Any) -> float:
    """Frames per second."""
    return scene.render.fps / scene.render.fps_base


def add_sound(scene: Any, path: str, frame: int) -> None:
    """Put a sound on the timeline, in place of the one that was put there before, and let it lead playback."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    for strip in [s for s in strips if s.name.startswith(_STRIP)]:
        strips.remove(strip)
    taken = {s.channel for s in strips}
    channel = next(n for n in range(1, 129) if n not in taken or n == 128)
    strips.new_sound(f"{_STRIP}: {Path(path).stem}"[:60], str(path), channel, frame)
    scene.sync_mode = "AUDIO_SYNC"
    scene.use_audio_scrub = True


def add_markers(scene: Any, beats: Sequence[tuple[float, int]], frame: int, seconds: float, *, every_beat: bool) -> int:
    """Markers on bars or beats of a song that begins at a frame, in place of earlier ones; returns how many.

    Args:
        scene: The scene.
        beats: Times (s) and places in the bar, from 1.
        frame: Frame at which the song begins.
        seconds: Length to be marked.
        every_beat: Mark all beats, else only the first of each bar.
    """
    for marker in [m for m in scene.timeline_markers if m.name.startswith(_MARK)]:
        scene.timeline_markers.remove(marker)
    bar, count = 0, 0
    for time, place in beats:
        bar += place == 1
        if time > seconds or (place != 1 and not every_beat):
            continue
        name = f"{_MARK}{bar}" if place == 1 else f"{_MARK}{bar}.{place}"
        scene.timeline_markers.new(name, frame=round(frame + time * frame_rate(scene)))
        count += 1
    return count


def lengthen(scene: Any, frame: int) -> None:
    """Let the scene last to a frame at least."""
    scene.frame_end = max(scene.frame_end, frame)
