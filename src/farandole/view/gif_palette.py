"""Pictures of a scene in 256 colours for a GIF: one palette, found in pictures from all over the scene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from farandole.view.scene import Scene

if TYPE_CHECKING:
    import av

_SAMPLES = 8


def paletted(scene: Scene, pictures: Iterator[np.ndarray]) -> Iterator[av.VideoFrame]:
    """Frames of palette and numbers, for `pictures`, uint8 [H, W, 3 or 4] (then what is not opaque by half is left out)."""
    import av
    import av.filter

    clear = scene.background.transparent
    kind = "rgba" if clear else "rgb24"
    times = np.unique(np.linspace(0, len(scene) - 1, _SAMPLES).round().astype(int))
    samples = [scene.frame(int(t)) for t in times]
    palette = _palette(samples, kind)
    graph = av.filter.Graph()
    width, height = scene.size
    images = graph.add_buffer(width=width, height=height, format=kind, time_base="1/100")
    colours = graph.add_buffer(
        width=palette.width, height=palette.height, format=palette.format.name, time_base="1/100"
    )
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
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=kind)
        frame.pts = t
        images.push(frame)
        while True:
            try:
                yield sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    images.push(None)
    while True:
        try:
            yield sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            break


def _palette(samples: list[np.ndarray], kind: str) -> av.VideoFrame:
    import av
    import av.filter

    graph = av.filter.Graph()
    height, width = samples[0].shape[:2]
    source = graph.add_buffer(width=width, height=height, format=kind, time_base="1/100")
    make = graph.add("palettegen", "max_colors=256:reserve_transparent=1")
    sink = graph.add("buffersink")
    source.link_to(make)
    make.link_to(sink)
    graph.configure()
    for t, picture in enumerate(samples):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=kind)
        frame.pts = t
        source.push(frame)
    source.push(None)
    return sink.pull()
