"""Pictures of a scene in 256 colours for a GIF: one palette, found in pictures from all over the scene."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.view.scene import Scene

if TYPE_CHECKING:
    import av
    import av.filter.context

_SAMPLES = 8


def paletted(scene: Scene, pictures: Iterator[np.ndarray]) -> Iterator[av.VideoFrame]:
    """Frames of palette and numbers, for `pictures`, uint8 [H, W, 3 or 4] (then what is not opaque by half is left out)."""
    from av.filter import Graph

    kind = "rgba" if scene.background.transparent else "rgb24"
    times = np.unique(np.linspace(0, len(scene) - 1, _SAMPLES).round().astype(int))
    palette = _palette([scene.frame(int(t)) for t in times], kind)
    graph = Graph()
    images = graph.add_buffer(template=None, **_source(*scene.size, kind))
    colours = graph.add_buffer(template=None, **_source(palette.width, palette.height, palette.format.name))
    use = graph.add("paletteuse", "dither=bayer:bayer_scale=4:alpha_threshold=128")
    sink = graph.add("buffersink")
    images.link_to(use, 0, 0)
    colours.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    palette.pts = 0
    colours.push(palette)
    colours.push(None)
    for t, picture in enumerate(pictures):
        images.push(_frame(picture, kind, t))
        yield from _ready(sink)
    images.push(None)
    yield from _ready(sink)


def _palette(samples: list[np.ndarray], kind: str) -> av.VideoFrame:
    from av.filter import Graph

    graph = Graph()
    height, width = samples[0].shape[:2]
    source = graph.add_buffer(template=None, **_source(width, height, kind))
    make = graph.add("palettegen", "max_colors=256:reserve_transparent=1")
    sink = graph.add("buffersink")
    source.link_to(make)
    make.link_to(sink)
    graph.configure()
    for t, picture in enumerate(samples):
        source.push(_frame(picture, kind, t))
    source.push(None)
    return next(_ready(sink))


def _source(width: int, height: int, kind: str) -> dict[str, Any]:
    from av.video.format import VideoFormat

    return {"width": width, "height": height, "format": VideoFormat(kind, width, height), "time_base": Fraction(1, 100)}


def _frame(picture: np.ndarray, kind: str, t: int) -> av.VideoFrame:
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=kind)
    frame.pts = t
    return frame


def _ready(sink: av.filter.context.FilterContext) -> Iterator[av.VideoFrame]:
    """All frames that have come out."""
    import av
    from av.error import BlockingIOError, EOFError

    while True:
        try:
            frame = sink.pull()
        except (BlockingIOError, EOFError):
            return
        if isinstance(frame, av.VideoFrame):
            yield frame
