"""A song's sound for a page or a video: the file as it is where browsers play it, AAC otherwise. First sample at time 0."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from farandole.errors import AudioError

if TYPE_CHECKING:
    import av.container
    import av.stream

    from farandole.music.song import Song

RATE = 44100
"""Sample rate of re-encoded sound, Hz."""

_AS_IT_IS = {
    # Container as FFmpeg names it, codec -> what browsers call the file.
    ("mp3", "mp3"): "audio/mpeg",
    ("mp3", "mp3float"): "audio/mpeg",
    ("mp4", "aac"): "audio/mp4",
    ("ogg", "vorbis"): "audio/ogg",
    ("ogg", "opus"): "audio/ogg",
    ("ogg", "flac"): "audio/ogg",
    ("flac", "flac"): "audio/flac",
    ("wav", "pcm_s16le"): "audio/wav",
    ("wav", "pcm_u8"): "audio/wav",
    ("wav", "pcm_f32le"): "audio/wav",
}
"""What all browsers play; ALAC in .m4a, ADPCM or 24 bits in .wav, AC-3 ... are not among it."""
_LARGE = 2_000_000
"""Files beyond this many bytes per minute that is danced are re-encoded for pages: a page is sent around and opened on phones."""
_LONG = 600.0  # s of sound from which on it is encoded into a file instead of memory
_PIECE = 3 << 20  # bytes of a sound file that are held at a time
_SPARE = 1.0
"""A file that goes on for longer than this after the dance, s, is cut there, which means re-encoding."""


def for_browser(song: Song, *, seconds: float | None = None) -> tuple[Iterator[bytes], str]:
    """A song as bytes that browsers play, piece by piece, and their MIME type.

    The original file where browsers know its container and codec, its first track is what was danced to, all of it is danced and it
    is not needlessly large; else AAC in MP4.

    Args:
        song: The song.
        seconds: What will be played of it; what comes after is left out.
    """
    path = _file(song)
    whole = seconds is None or song.seconds <= seconds + _SPARE
    if path is not None and whole and not song.track:
        kind = _kind(path)
        if kind is not None and path.stat().st_size <= max(_LARGE, _LARGE * song.seconds / 60.0):
            return _file_pieces(path.open("rb")), kind
    long = song.seconds >= _LONG
    # The file disappears by itself when it has been read.
    buffer = tempfile.TemporaryFile() if long else io.BytesIO()  # noqa: SIM115
    _write_m4a(song, buffer, seconds)
    buffer.seek(0)
    return _file_pieces(buffer), "audio/mp4"


def _file_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """What is left of an open file, which is closed then."""
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _kind(path: Path) -> str | None:
    """The MIME type of a file by what it holds, whatever it is called; None if not all browsers play it."""
    import av
    import av.error

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio or any(s.type == "video" and not _cover(s) for s in container.streams):
                return None
            codec = container.streams.audio[0].codec_context.name
            names = container.format.name.split(",")
    except (av.error.FFmpegError, IndexError):
        return None
    return next((kind for (form, own), kind in _AS_IT_IS.items() if form in names and own == codec), None)


def _cover(stream: av.stream.Stream) -> bool:
    """Whether a picture stream is the cover of an album."""
    return bool(stream.disposition & stream.disposition.__class__.attached_pic)


def encode_m4a(song: Song, *, seconds: float | None = None, bit_rate: int = 160_000) -> bytes:
    """A song as AAC in an MP4 container, stereo at 44.1 kHz, optionally only its first `seconds`."""
    buffer = io.BytesIO()
    _write_m4a(song, buffer, seconds, bit_rate)
    return buffer.getvalue()


def _write_m4a(song: Song, file: IO[bytes], seconds: float | None, bit_rate: int = 160_000) -> None:
    import av

    with av.open(file, "w", format="mp4") as container:
        stream = add_aac_stream(container, bit_rate)
        for frame in stereo_frames(song, seconds=seconds):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def add_aac_stream(container: av.container.OutputContainer, bit_rate: int = 160_000) -> av.AudioStream:
    """A stereo AAC track at `RATE` in a container being written."""
    # The "twoloop" default searches twice as long for a difference nobody hears at this rate.
    stream = container.add_stream("aac", rate=RATE, options={"aac_coder": "fast"})
    stream.layout = "stereo"
    stream.bit_rate = bit_rate
    return stream


def add_stream(container: av.container.OutputContainer, codec: str) -> av.AudioStream:
    """A stereo track of a container being written: "aac", or "libopus" for WebM."""
    if codec == "aac":
        return add_aac_stream(container)
    stream = container.add_stream("libopus", rate=48000)
    stream.layout = "stereo"
    stream.bit_rate = 128_000
    return stream


def offset_frames(song: Song, *, offset: float, seconds: float) -> Iterator[av.AudioFrame]:
    """`stereo_frames` of a dance that begins at second `offset` of the song; before the song there is silence.

    Raises:
        AudioError: If the song is over by then.
    """
    import av

    from farandole.music.excerpt import Excerpt

    if offset > 0:
        yield from stereo_frames(Excerpt(song, offset), seconds=seconds)
        return
    silent = round(min(-offset, seconds) * RATE)
    for at in range(0, silent, 1024):
        count = min(1024, silent - at)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, count), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = RATE, at
        yield frame
    for frame in stereo_frames(song, seconds=seconds - silent / RATE) if silent < seconds * RATE else ():
        frame.pts = silent + (frame.pts or 0)
        yield frame


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
