"""A song's sound for a page or a video: the file as it is where browsers play it, AAC otherwise. First sample at time 0."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.errors import AudioError

if TYPE_CHECKING:
    import av.container

    from farandole.music.song import Song

RATE = 44100
"""Sample rate of re-encoded sound, Hz."""

_AS_IT_IS = {
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
}
_LOSSLESS = {".wav", ".flac"}
_LARGE = 2_000_000
"""Lossless files beyond this many bytes are re-encoded for pages: a page is sent around and opened on phones."""
_LONG = 1.5
"""So are songs that go on for longer than this many times the dance."""


def for_browser(song: Song, *, seconds: float | None = None) -> tuple[bytes, str]:
    """A song as bytes that browsers play, and their MIME type.

    The original file where browsers know its format, it is not needlessly large, and its first track is what was danced to; else
    AAC in MP4.

    Args:
        song: The song.
        seconds: What will be played of it; only a re-encoded song is cut there.
    """
    path = _file(song)
    if path is not None and path.suffix.lower() in _AS_IT_IS and not song.track:
        spared = path.suffix.lower() in _LOSSLESS or (seconds is not None and song.seconds > _LONG * seconds)
        if not (spared and path.stat().st_size > _LARGE):
            return path.read_bytes(), _AS_IT_IS[path.suffix.lower()]
    return encode_m4a(song, seconds=seconds), "audio/mp4"


def encode_m4a(song: Song, *, seconds: float | None = None, bit_rate: int = 160_000) -> bytes:
    """A song as AAC in an MP4 container, stereo at 44.1 kHz, optionally only its first `seconds`."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = add_aac_stream(container, bit_rate)
        for frame in stereo_frames(song, seconds=seconds):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def add_aac_stream(container: av.container.OutputContainer, bit_rate: int = 160_000) -> av.AudioStream:
    """A stereo AAC track at `RATE` in a container being written."""
    # The "twoloop" default searches twice as long for a difference nobody hears at this rate.
    stream = container.add_stream("aac", rate=RATE, options={"aac_coder": "fast"})
    stream.layout = "stereo"
    stream.bit_rate = bit_rate
    return stream


def stereo_frames(song: Song, *, seconds: float | None = None) -> Iterator[av.AudioFrame]:
    """Sound of a song from its first sample, as planar float stereo frames of at most 1024 samples at `RATE`.

    Args:
        song: Read again from its file, in stereo; from its samples where there is none.
        seconds: Where to end; None for the song's own end.

    Raises:
        AudioError: If the song's file has become unreadable since it was analysed.
    """
    import av

    left = None if seconds is None else round(seconds * RATE)
    done = 0
    for samples in _stereo(song):
        for at in range(0, samples.shape[1], 1024):
            piece = samples[:, at : at + 1024]
            if left is not None:
                piece = piece[:, : left - done]
            if not piece.shape[1]:
                return
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, done
            done += piece.shape[1]
            yield frame


def _file(song: Song) -> Path | None:
    return song.path if song.path is not None and song.path.is_file() else None


def _stereo(song: Song) -> Iterator[np.ndarray]:
    """Blocks of float32 [2, N] at `RATE`; bad packets are skipped. An excerpt is heard in its file's full quality."""
    from farandole.music.excerpt import Excerpt

    if not isinstance(song, Excerpt):
        yield from _whole(song)
        return
    early = round(song.begin * RATE)
    for samples in _stereo(song.whole):
        if samples.shape[1] > early:
            yield samples[:, early:]
        early = max(0, early - samples.shape[1])


def _whole(song: Song) -> Iterator[np.ndarray]:
    import av.error
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="fltp", layout="stereo", rate=RATE)
    for frame in _file_frames(song.path, song.track) if _file(song) else _sample_frames(song):
        frame.pts = None
        for out in resampler.resample(frame):
            yield out.to_ndarray()
    try:
        for out in resampler.resample(None):
            yield out.to_ndarray()
    except av.error.FFmpegError:
        raise AudioError(f"{song.name}: holds no sound that can be decoded") from None


def _file_frames(path: Path | None, track: int) -> Iterator[av.AudioFrame]:
    import av.error

    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[track])
        bad = 0
        while bad < 1000:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from packet.decode()
            except av.error.FFmpegError:
                bad += 1  # the song was accepted when it was analysed: a few damaged packets are left out


def _sample_frames(song: Song) -> Iterator[av.AudioFrame]:
    import av

    samples = np.asarray(song.samples, np.float32)
    for at in range(0, len(samples), 16384):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 16384].copy(), format="fltp", layout="mono")
        frame.sample_rate = song.sample_rate
        yield frame
