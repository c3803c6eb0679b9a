"""Sound files and signals made for the music tests."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

RATE = 22050
# suffix -> (encoder, sample rates it takes, most channels)
CONTAINERS = {
    ".wav": ("pcm_s16le", (8000, 11025, 44100, 96000), 6),
    ".flac": ("flac", (8000, 44100, 96000), 6),
    ".ogg": ("libopus", (48000,), 6),
    ".mp3": ("libmp3lame", (16000, 44100, 48000), 2),
    ".m4a": ("aac", (8000, 44100, 96000), 6),
    ".mp4": ("aac", (48000,), 6),
}


def clicks(times: np.ndarray, seconds: float, rate: int = RATE, hz: float = 1000.0) -> np.ndarray:
    """Short decaying sines that begin at the given times, float32 [N]."""
    out = np.zeros(round(seconds * rate), np.float32)
    t = np.arange(round(0.03 * rate)) / rate
    click = (0.7 * np.sin(2 * np.pi * hz * t) * np.exp(-t / 0.008)).astype(np.float32)
    for time in times:
        at = round(time * rate)
        end = min(at + len(click), len(out))
        out[at:end] += click[: end - at]
    return out


def write_sound(path: Path, samples: np.ndarray, rate: int, layout: str = "mono", *, video: bool = False) -> Path:
    """Encode mono samples (copied to every channel by libswresample's rules) in the container its suffix names."""
    encoder = CONTAINERS[path.suffix][0]
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        stream = container.add_stream(encoder, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="flt", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        convert = av.AudioResampler(format=stream.codec_context.format.name, layout=layout, rate=rate)
        for piece in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
        if picture is not None:
            for index in range(round(25 * len(samples) / rate)):
                image = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index % 255, np.uint8), format="rgb24")
                container.mux(picture.encode(image))
            container.mux(picture.encode(None))
    return path


def f_measure(found: np.ndarray, true: np.ndarray, tolerance: float = 0.07) -> float:
    """F-measure of beat times, each matched at most once, tolerance in s."""
    hits = i = j = 0
    while i < len(found) and j < len(true):
        if abs(found[i] - true[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[i] < true[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / max(1, len(found) + len(true))
