"""A dance as a video with its song: H.264 and AAC in MP4, drawn without a graphics card."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import MotionError
from farandole.motion.motion import Motion
from farandole.motion.rotations import Array
from farandole.view.camera import Camera, smooth_path, studio_camera
from farandole.view.figure import Figure, facing, figure
from farandole.view.raycast import Capsules, render

if TYPE_CHECKING:
    import av

    from farandole.music.song import Song

SPACING = 1.7
"""Distance between dancers shown together, m."""

_BATCH = 12


def write_video(
    motion: Motion | Sequence[Motion],
    path: str | Path,
    *,
    song: Song | None = None,
    size: tuple[int, int] = (1280, 720),
    fps: float = 30,
    turn: float = 0.3,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> Path:
    """Write an MP4 of one or several dancers, with the song from its beginning, as long as the longest dance.

    The camera stands in front of the dancers and glides along with them. Memory does not grow with the length.

    Args:
        motion: What to show; several motions stand side by side.
        path: Where the video goes.
        song: Its sound, cut to the dance; none leaves the video silent.
        size: Width and height in pixels, both even.
        fps: Frames per second of the video; motions are interpolated.
        turn: Camera angle from where the dancers look on average, towards their left, rad.
        workers: Processes that draw; by default one per processor up to 8, and none besides this for short clips.
        progress: Called with the frames done and all frames.
        force: Replace an existing file.

    Returns:
        The path.

    Raises:
        MotionError: If there is no motion, or the size is not even.
        OutputError: If the file exists and not `force`, or cannot be written.
    """
    from farandole._io import atomic_path

    motions = [motion] if isinstance(motion, Motion) else list(motion)
    if not motions:
        raise MotionError("a video needs at least one motion to show")
    if min(size) < 16 or size[0] % 2 or size[1] % 2:
        raise MotionError(f"a video of {size[0]} x {size[1]} pixels: H.264 needs even numbers from 16 on")
    if not 1 <= fps <= 240:
        raise MotionError(f"a video at {fps:g} frames per second: accepted is 1 to 240")
    scene = make_scene(motions, size=size, fps=fps, turn=turn)
    with atomic_path(Path(path), force=force) as temporary:
        _encode(scene, temporary, song, fps, workers, progress)
    return Path(path)


@dataclass(frozen=True, eq=False)
class Scene:
    """Figures at the video's frame rate, and where the camera looks in every frame."""

    figures: list[Figure]
    targets: Array  # [T, 3] m
    size: tuple[int, int]
    extent: float
    turn: float

    def __len__(self) -> int:
        return len(self.targets)

    def slice(self, start: int, stop: int) -> Scene:
        """Frames start..stop-1 as a scene of their own; a dance that is over keeps its last pose."""
        count = len(self.targets[start:stop])
        part = lambda x: x[np.minimum(np.arange(start, start + count), len(x) - 1)]  # noqa: E731
        figures = [Figure(part(f.starts), part(f.ends), f.start_radii, f.end_radii, f.colours) for f in self.figures]
        return Scene(figures, self.targets[start:stop], self.size, self.extent, self.turn)

    def camera(self, t: int) -> Camera:
        """The camera of frame `t`."""
        return studio_camera(self.targets[t], self.size, extent=self.extent, turn=self.turn, lift=0.16)

    def frame(self, t: int) -> np.ndarray:
        """The picture of frame `t`, uint8 [H, W, 3]. A dance that is over holds its last pose."""
        parts = [f.frame(min(t, len(f) - 1)) for f in self.figures]
        together = (np.concatenate([getattr(p, name) for p in parts]) for name in Capsules.__dataclass_fields__)
        return render(Capsules(*together), self.camera(t))


def make_scene(motions: Sequence[Motion], *, size: tuple[int, int], fps: float, turn: float = 0.3) -> Scene:
    """Place dancers side by side and plan the camera's way; arguments as in `write_video`."""
    moved = [m.resample(fps) for m in motions]
    look = facing(max(moved, key=len))
    aside = np.array([np.cos(look), 0.0, -np.sin(look)])
    count = max(len(m) for m in moved)
    hold = lambda x: np.concatenate((x, np.repeat(x[-1:], count - len(x), 0)))  # noqa: E731
    figures, roots = [], np.zeros((count, 3))
    for i, m in enumerate(moved):
        shift = SPACING * (i - 0.5 * (len(moved) - 1)) * aside
        body = figure(m)
        figures.append(
            Figure(
                (body.starts + shift).astype(np.float32), (body.ends + shift).astype(np.float32),
                body.start_radii, body.end_radii, body.colours,
            )
        )  # fmt: skip
        roots += (hold(m.root_positions) + shift) / len(moved)
    # High enough for what almost all frames reach, wide enough for all dancers.
    top = max(float(np.percentile(np.maximum(f.starts[..., 1], f.ends[..., 1]).max(1), 98)) for f in figures)
    extent = max(1.3 * top + 0.1, (SPACING * (len(moved) - 1) + 1.6) * 1.02 * size[1] / size[0])
    targets = smooth_path(roots, fps)
    targets[:, 1] = 0.5 * top
    return Scene(figures, targets, size, extent, look + turn)


def _encode(
    scene: Scene, path: Path, song: Song | None, fps: float, workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:  # fmt: skip
    import av

    from farandole.view import sound

    rate = _fraction(fps)
    seconds = len(scene) / float(rate)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "19", "preset": "veryfast"})
        video.width, video.height = scene.size
        video.pix_fmt = "yuv420p"
        video.thread_count = 1 if (os.cpu_count() or 1) <= 2 else 0
        _tag_colours(video)
        audio = sound.add_aac_stream(container) if song is not None else None
        frames = sound.stereo_frames(song, seconds=seconds) if song is not None else iter(())
        heard = 0.0
        for t, picture in enumerate(_pictures(scene, workers)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="itu709")
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


def _pictures(scene: Scene, workers: int | None) -> Iterator[np.ndarray]:
    """The frames in order, drawn by several processes where that pays; only a few batches are ever under way."""
    count = min(os.cpu_count() or 1, 8) if workers is None else workers
    if count <= 1 or (workers is None and len(scene) < 8 * _BATCH):
        yield from (scene.frame(t) for t in range(len(scene)))
        return
    starts = iter(range(0, len(scene), _BATCH))
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        waiting: deque[Future[np.ndarray]] = deque()
        submit = lambda at: waiting.append(pool.submit(_draw, scene.slice(at, at + _BATCH)))  # noqa: E731
        for at in islice(starts, count + 2):
            submit(at)
        try:
            while waiting:
                batch = waiting.popleft().result()
                for at in islice(starts, 1):
                    submit(at)
                yield from batch
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _draw(part: Scene) -> np.ndarray:
    return np.stack([part.frame(t) for t in range(len(part))])


def _fraction(fps: float) -> Fraction:
    """Frame rate as a fraction: 29.97 means 30000/1001."""
    if not float(fps).is_integer() and abs(fps * 1.001 - round(fps * 1.001)) < 1e-3:
        return Fraction(round(fps * 1.001) * 1000, 1001)
    return Fraction(fps).limit_denominator(1000)


def _tag_colours(stream: av.VideoStream) -> None:
    """Say that colours are BT.709 in video range, as players assume for high definition but not for small sizes."""
    context = stream.codec_context
    context.colorspace, context.color_primaries, context.color_trc, context.color_range = 1, 1, 1, 1
