"""The four things the add-on does, each as a generator: it yields running commands and shares of work, and returns a line of text.

Whoever drives one waits for the commands it yields; closing it ends them and leaves the scene as it was.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import timeline
from .body import moved
from .bvh_file import read_clip, write_clip
from .commands import (
    CommandError,
    Job,
    beat_words,
    dance_words,
    extend_words,
    fill_words,
    find_command,
    read_beats,
    stand_words,
)
from .glb_file import Take, read_take, write_character
from .joins import grounded, led_in, planted
from .keys import ensure_action, fill, keyed_range, new_action, selected_frames, write
from .posing import channels
from .rig import Rig, read_rig, sampled

Work = Generator["Job | float", None, str]
"""Yields jobs to wait for, and shares of work done between 0 and 1; returns what there is to say in the end."""

_CONTEXT = 1.0
"""Seconds around a range that are given along, so that what is filled in flows."""
_PAST = 10.0
"""Seconds of the past that are given along where no song tells the beginning."""


def dance(scene: Any, armature: Any, command: str, settings: Any) -> Work:
    """A song's dance as a new action of the armature, from the settings' frame on."""
    song = song_path(settings, needed=True)
    start, fps = settings.start, timeline.frame_rate(scene)
    program = find_command(command)
    rig = read_rig(armature)
    with tempfile.TemporaryDirectory(prefix="farandole-") as folder:
        body, out, beats = (Path(folder) / name for name in ("body.glb", "dance.glb", "beats.txt"))
        write_character(body, rig.body, rig.skin)
        yield from _run(program, dance_words(song, body, out, fps, options(settings)), "dancing")
        take = begun_at_rest(rig, read_take(out, rig.body))
        marks = []
        if settings.markers != "NONE":
            yield from _run(program, beat_words(song, beats), "hearing beats")
            marks = read_beats(beats.read_text(encoding="utf-8"))
    frames = list(range(start, start + len(take.pose)))
    made = yield from channels(scene, armature, rig, take, frames)
    action = new_action(armature, f"{Path(song).stem} {settings.seed}")
    keys = write(armature, made)
    settings.song_start = start
    timeline.lengthen(scene, frames[-1])
    silent = ""
    if settings.add_sound:
        try:
            timeline.add_sound(scene, song, start)
        except RuntimeError as error:  # builds without sound, files that this Blender cannot open: the dance is there
            silent = f"; no sound on the timeline: {' '.join(str(error).split())}"
    if marks:
        timeline.add_markers(scene, marks, start, len(frames) / fps, every_beat=settings.markers == "BEATS")
    scene.frame_set(scene.frame_current)
    return f"{action.name}: {len(frames)} frames at {fps:g} fps, {keys} keys{silent}{_overridden(rig)}"


def inbetween(scene: Any, armature: Any, command: str, settings: Any) -> Work:
    """Frames between the selected keys, which stay as they are."""
    kept = selected_frames(armature)
    if len(kept) < 2:
        raise CommandError(
            "select the keys of at least two frames of the armature's bones (in the dope sheet or graph editor)"
        )
    gaps = [(a + 1, b - 1) for a, b in pairwise(kept) if b - a > 1]
    if not gaps:
        raise CommandError("the selected keys stand in neighbouring frames: there is nothing between them")
    method, song = settings.method, song_path(settings) if settings.method == "dance" else ""
    around = round(_CONTEXT * timeline.frame_rate(scene))
    first, last = _around(armature, kept[0] - around, kept[-1] + around)
    begin = min(settings.song_start, kept[0]) if song else first
    rig = read_rig(armature)
    pose = yield from _poses(scene, armature, rig, range(begin, last + 1))
    words = {"keep": [f - begin for f in kept], "method": method, "song": song, "seed": settings.seed}
    filled = yield from _filled(scene, armature, command, rig, pose, begin, gaps, words, settings)
    return f"{filled} frames filled between {len(kept)} kept ones{_overridden(rig)}"


def reroll(scene: Any, armature: Any, command: str, settings: Any) -> Work:
    """Another dance for the range of the selected keys, or of the preview range; its first and last frame stay."""
    chosen = selected_frames(armature)
    if len(chosen) < 2 and scene.use_preview_range:
        chosen = [scene.frame_preview_start, scene.frame_preview_end]
    if len(chosen) < 2 or chosen[-1] - chosen[0] < 2:
        raise CommandError("select the keys of a range of frames (in the dope sheet), or set a preview range")
    gap = chosen[0] + 1, chosen[-1] - 1
    song = song_path(settings)
    fps = timeline.frame_rate(scene)
    first, last = _around(armature, chosen[0] - round(_PAST * fps), chosen[-1] + round(_CONTEXT * fps))
    begin = min(settings.song_start, chosen[0]) if song else first
    rig = read_rig(armature)
    pose = yield from _poses(scene, armature, rig, range(begin, last + 1))
    words = {"gap": (gap[0] - begin, gap[1] - begin), "method": "dance", "song": song, "seed": settings.seed}
    filled = yield from _filled(scene, armature, command, rig, pose, begin, [gap], words, settings)
    return f"{filled} frames danced anew with seed {settings.seed}{_overridden(rig)}"


def extend(scene: Any, armature: Any, command: str, settings: Any) -> Work:
    """What comes after the armature's last key."""
    ends = keyed_range(armature)
    if ends is None:
        raise CommandError(f"{armature.name} has no keys to go on from: dance first, or pose it and key it")
    song = song_path(settings)
    fps = timeline.frame_rate(scene)
    last = ends[1]
    begin = settings.song_start if song and settings.song_start < last else max(ends[0], last - round(_PAST * fps))
    rig = read_rig(armature)
    pose = yield from _poses(scene, armature, rig, range(begin, last + 1))
    with tempfile.TemporaryDirectory(prefix="farandole-") as folder:
        clip, out = Path(folder) / "clip.bvh", Path(folder) / "longer.bvh"
        clip.write_text(write_clip(rig.body, pose, fps), encoding="utf-8")
        words = extend_words(clip, song, out, settings.more, options(settings))
        yield from _run(find_command(command), words, "dancing on")
        take = yield from _read(command, rig, out, settings, range(len(pose)), fps)
    count = len(take.pose) - len(pose)
    gap = (last + 1, last + count)
    new = replace(take, pose=led_in(rig.body, pose, take.pose, (len(pose), len(take.pose) - 1), fps))
    made = yield from channels(scene, armature, rig, new, range(gap[0], gap[1] + 1), before=last)
    fill(armature, made, [gap], open_end=True)
    timeline.lengthen(scene, gap[1])
    scene.frame_set(scene.frame_current)
    return f"{count} frames added after frame {last}{_overridden(rig)}"


def _filled(
    scene: Any, armature: Any, command: str, rig: Rig, pose: np.ndarray, begin: int, gaps: Sequence[tuple[int, int]],
    words: dict[str, Any], settings: Any,
) -> Generator[Job | float, None, int]:  # fmt: skip
    """Fill gaps of a clip by `farandole inbetween` and key what came back; returns the number of frames."""
    fps = timeline.frame_rate(scene)
    wanted = {f - begin for a, b in gaps for f in range(a, b + 1)}
    kept = sorted(set(range(len(pose))) - wanted)
    with tempfile.TemporaryDirectory(prefix="farandole-") as folder:
        clip, out = Path(folder) / "clip.bvh", Path(folder) / "filled.bvh"
        clip.write_text(write_clip(rig.body, pose, fps), encoding="utf-8")
        yield from _run(find_command(command), fill_words(clip, out, **words), "filling")
        take = yield from _read(command, rig, out, settings, kept, fps)
    for a, b in gaps:
        part = replace(take, pose=led_in(rig.body, pose, take.pose, (a - begin, b - begin), fps))
        made = yield from channels(scene, armature, rig, part, range(a, b + 1), before=a - 1)
        ensure_action(armature, armature.name)
        fill(armature, made, [(a, b)])
    scene.frame_set(scene.frame_current)
    return len(wanted)


def _read(
    command: str, rig: Rig, clip: Path, settings: Any, kept: Sequence[int], fps: float
) -> Generator[Job | float, None, Take]:
    """A motion of the rig that came back as BVH, with the soles of its own skin on the floor."""
    take = read_clip(clip.read_text(encoding="utf-8"), rig.body)
    body, out = clip.with_name("body.glb"), clip.with_name("standing.glb")
    write_character(body, rig.body, rig.skin)
    words = stand_words(clip, body, out, options(settings))
    yield from _run(find_command(command), words, "setting feet")
    standing = planted(rig.body, take, read_take(out, rig.body), kept)
    return replace(standing, pose=grounded(rig.body, rig.skin, standing.pose, take.pose[list(kept)], fps))


def begun_at_rest(rig: Rig, take: Take) -> Take:
    """The take moved along the floor so that it begins where the body rests."""
    body = rig.body
    tops = [j for j in sorted(take.placed) if not any(a in take.placed for a in _above(body.parents, j))]
    if not tops:
        return take
    world = lambda p: body.to_world[:3, :3] @ p  # noqa: E731
    gap = world(body.rest[tops[0], :3, 3] - take.pose[0, tops[0], :3, 3])
    gap[1] = 0.0
    shift = np.linalg.inv(body.to_world[:3, :3]) @ gap
    return Take(moved(take.pose, tops, shift, body.parents), take.turned, take.placed, take.still)


def song_path(settings: Any, *, needed: bool = False) -> str:
    """The settings' song as an absolute path; "" if there is none.

    Raises:
        CommandError: If it is needed and missing, or does not exist.
    """
    path = bpy.path.abspath(settings.song) if settings.song else ""
    if needed and not path:
        raise CommandError("choose a song first")
    if path and not Path(path).is_file():
        raise CommandError(f"{path}: no such file")
    return path


def options(settings: Any) -> dict[str, Any]:
    """What the settings say of a dance, by the names of the command's options."""
    map_file = bpy.path.abspath(settings.map_file) if settings.map_file else ""
    return {
        "seed": settings.seed, "style": settings.style, "energy": round(settings.energy, 4),
        "temperature": round(settings.temperature, 4), "model": settings.model, "seconds": round(settings.seconds, 4),
        "root": settings.root.lower().replace("_", "-"), "map": map_file,
    }  # fmt: skip


def _run(program: str, words: Sequence[str | Path], label: str) -> Generator[Job | float, None, dict[str, Any]]:
    job = Job(program, words, label)
    try:
        yield job
    finally:
        if job.running:
            job.cancel()
    return job.result()


def _poses(scene: Any, armature: Any, rig: Rig, frames: Sequence[int]) -> Generator[float, None, np.ndarray]:
    result = []
    for pose in sampled(scene, armature, rig.body, frames):
        result.append(pose)
        yield len(result) / len(frames)
    return np.array(result)


def _around(armature: Any, first: int, last: int) -> tuple[int, int]:
    """A range of frames, no longer than the keys reach."""
    ends = keyed_range(armature)
    return (first, last) if ends is None else (max(first, ends[0]), min(last, ends[1]))


def _above(parents: Sequence[int], j: int) -> list[int]:
    result = []
    while parents[j] >= 0:
        j = parents[j]
        result.append(j)
    return result


def _overridden(rig: Rig) -> str:
    if not rig.overridden:
        return ""
    names = ", ".join(rig.overridden[:3]) + (" ..." if len(rig.overridden) > 3 else "")
    return f"; constraints override the keys of {names}"
