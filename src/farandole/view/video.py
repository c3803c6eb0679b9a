"""A dance as a video with its song, drawn without a graphics card: MP4, WebM, ProRes, GIF, or a folder of PNG pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError, OutputError
from farandole.motion.characters import BvhCharacter, Character
from farandole.motion.motion import Motion
from farandole.view import drawing
from farandole.view.background import colour_code, parse_background
from farandole.view.scene import Scene, make_scene

if TYPE_CHECKING:
    import av

    from farandole.music.song import Song

__all__ = ["VIDEO_SUFFIXES", "make_scene", "write_video"]


@dataclass(frozen=True)
class _Coding:
    """How a kind of file holds pictures: codec, pixel formats without and with transparency ("" if it cannot), options, sound."""

    codec: str
    pixels: str
    clear: str
    options: dict[str, str]
    sound: str = ""


_CODINGS = {
    # Without these "veryfast" finds little more in drawn pictures: half the time, a third more bytes, as near to the pictures.
    ".mp4": _Coding(
        "libx264", "yuv420p", "",
        {"crf": "19", "preset": "veryfast", "x264-params": "subme=1:me=dia:partitions=none:bframes=1"}, "aac",
    ),
    ".webm": _Coding(
        "libvpx-vp9", "yuv420p", "yuva420p",
        {"crf": "26", "b:v": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0"}, "libopus",
    ),
    ".mov": _Coding("prores_ks", "yuv422p10le", "yuva444p10le", {"vendor": "apl0"}, "aac"),
    ".gif": _Coding("gif", "pal8", "pal8", {}),
}  # fmt: skip
VIDEO_SUFFIXES = (*_CODINGS, "")
"""Suffixes that `write_video` knows; a path without one is a folder of PNG pictures."""


def write_video(
    motion: Motion | Sequence[Motion],
    path: str | Path,
    *,
    song: Song | None = None,
    size: tuple[int, int] = (1280, 720),
    fps: float = 30,
    turn: float = 0.3,
    camera: str = "front",
    cuts: bool = False,
    background: str = "studio",
    colour: str | None = None,
    title: str | None = None,
    character: Character | BvhCharacter | None = None,
    root: str = "auto",
    song_offset: float = 0.0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> Path:
    """Write a video of one or several dancers, with the song, as long as the longest dance.

    Args:
        motion: What to show; several motions stand side by side.
        path: .mp4 (H.264), .webm (VP9), .mov (ProRes), .gif, or a folder for PNG pictures. All but .mp4 can be transparent.
        song: Its sound, cut to the dance; none leaves the video silent. GIF and PNG have none anyhow.
        size: Width and height in pixels, both even.
        fps: Frames per second of the video; motions are interpolated.
        turn: Camera angle from where the dancers look, towards their left, rad.
        camera: One of `shots.MODES`.
        cuts: Change the camera's place on bars of the song.
        background: "studio", "transparent", a colour ("#rrggbb", "green" ...) or the path of a picture.
        colour: Of the mannequin, "#rrggbb"; by default left and right differ.
        title: Written at the lower left.
        character: Whose meshes are shown instead of the mannequin; of a .bvh there are none.
        root: What carries the character's travel, see `Character.animate`.
        song_offset: Second of the song at which the dance begins; negative if the song begins later than the dance.
        workers: Processes that draw; by default one per processor up to 8, and none besides this for short clips.
        progress: Called with the frames done and all frames.
        force: Replace an existing file.

    Returns:
        The path.

    Raises:
        MotionError: If there is no motion, or the size, rate, camera, background or colour is none.
        OutputError: If the file exists and not `force`, has another suffix, cannot be transparent, or cannot be written.
    """
    from farandole._io import atomic_directory, atomic_path

    path = Path(path)
    motions = [motion] if isinstance(motion, Motion) else list(motion)
    coding = check_video(path, size=size, fps=fps, background=background)
    if not motions:
        raise MotionError("a video needs at least one motion to show")
    if cuts and song is None:
        raise MotionError("cuts fall on the bars of a song: give the song, too")
    scene = make_scene(
        motions, size=size, fps=fps, turn=turn, camera=camera, bars=_bars(song, song_offset) if cuts else (),
        background=parse_background(background, size), colour=None if colour is None else colour_code(colour), title=title,
        bodies=_meshes(motions, character, root, fps),
    )  # fmt: skip
    if coding is None:
        with atomic_directory(path, force=force) as folder:
            digits = max(4, len(str(len(scene))))
            for t, data in enumerate(drawing.draw(scene, drawing.png, workers)):
                (folder / f"{t + 1:0{digits}d}.png").write_bytes(data)
                if progress is not None:
                    progress(t + 1, len(scene))
        return path
    with atomic_path(path, force=force) as temporary:
        _encode(scene, temporary, coding, song, song_offset, fps, workers, progress)
    return path


def check_video(path: Path, *, size: tuple[int, int], fps: float, background: str) -> _Coding | None:
    """How a path is coded, None for a folder of pictures.

    Raises:
        MotionError: If size or rate are none of a video.
        OutputError: If the suffix is unknown or cannot be transparent.
    """
    if min(size) < 16 or size[0] % 2 or size[1] % 2:
        raise MotionError(f"a video of {size[0]} x {size[1]} pixels: needs even numbers from 16 on")
    if not 1 <= fps <= 240:
        raise MotionError(f"a video at {fps:g} frames per second: accepted is 1 to 240")
    suffix = path.suffix.lower()
    if suffix not in VIDEO_SUFFIXES:
        kinds = ", ".join(s for s in VIDEO_SUFFIXES if s)
        raise OutputError(
            f"{path}: cannot write '{path.suffix}', only {kinds}, or a folder of PNG pictures (no suffix)"
        )
    coding = _CODINGS.get(suffix)
    if coding is not None and background == "transparent" and not coding.clear:
        raise OutputError(
            f"{path}: {suffix} cannot be transparent: .mov (ProRes 4444), .webm (VP9), .gif or a folder can"
        )
    return coding


def _meshes(
    motions: Sequence[Motion], character: Character | BvhCharacter | None, root: str, fps: float
) -> list | None:
    if not isinstance(character, Character):
        return None
    from farandole.view.mesh_figure import mesh_figure

    return [mesh_figure(character, m.resample(fps), root=root) for m in motions]


def _bars(song: Song | None, offset: float) -> list[float]:
    """Times of the bars in the dance, s."""
    if song is None or song.frames.silent:
        return []
    return [float(t) - offset for t in song.beats.times[np.flatnonzero(song.beats.downbeats)] if t - offset > 0]


def _encode(
    scene: Scene, path: Path, coding: _Coding, song: Song | None, offset: float, fps: float, workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:  # fmt: skip
    import av

    from farandole.view import sound

    rate = _fraction(fps)
    seconds = len(scene) / float(rate)
    options = {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}
    clear = scene.background.transparent
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream(coding.codec, rate=rate, options=dict(coding.options))
        video.width, video.height = scene.size
        video.pix_fmt = coding.clear if clear else coding.pixels
        video.thread_count = 1 if (os.cpu_count() or 1) <= 2 else 0
        if coding.codec != "gif":
            _tag_colours(video)
        audio = sound.add_stream(container, coding.sound) if song is not None and coding.sound else None
        frames = (
            iter(()) if song is None or audio is None else sound.offset_frames(song, offset=offset, seconds=seconds)
        )
        heard = 0.0
        for t, frame in enumerate(_frames(scene, coding, clear, workers)):
            frame.pts, frame.time_base = t, 1 / rate
            container.mux(video.encode(frame))
            # Sound goes along with the pictures, so that neither has to wait in memory.
            while audio is not None and heard <= (t + 1) / float(rate):
                piece = next(frames, None)
                if piece is None:
                    break
                heard += piece.samples / sound.RATE
                container.mux(audio.encode(piece))
            if progress is not None:
                progress(t + 1, len(scene))
        container.mux(video.encode(None))
        if audio is not None:
            for piece in frames:
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))


def _frames(scene: Scene, coding: _Coding, clear: bool, workers: int | None) -> Iterator[av.VideoFrame]:
    """The pictures as the codec takes them."""
    import av

    source = "rgba" if clear else "rgb24"
    if coding.codec == "gif":
        from farandole.view.gif_palette import paletted

        yield from paletted(scene, drawing.draw(scene, drawing.as_is, workers))
    elif coding.pixels == "yuv420p" and not clear:
        for planes in drawing.draw(scene, drawing.yuv420, workers):
            yield av.VideoFrame.from_ndarray(planes, format="yuv420p")
    else:
        for picture in drawing.draw(scene, drawing.as_is, workers):
            frame = av.VideoFrame.from_ndarray(picture, format=source)
            yield frame.reformat(format=coding.clear if clear else coding.pixels, dst_colorspace="itu709")


def _fraction(fps: float) -> Fraction:
    """Frame rate as a fraction: 29.97 means 30000/1001."""
    if not float(fps).is_integer() and abs(fps * 1.001 - round(fps * 1.001)) < 1e-3:
        return Fraction(round(fps * 1.001) * 1000, 1001)
    return Fraction(fps).limit_denominator(1000)


def _tag_colours(stream: av.VideoStream) -> None:
    """Say that colours are BT.709 in video range, as players assume for high definition but not for small sizes."""
    context = stream.codec_context
    context.colorspace, context.color_primaries, context.color_trc, context.color_range = 1, 1, 1, 1
