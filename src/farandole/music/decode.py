"""Sound files to mono samples, in blocks: wav, flac, ogg, mp3, m4a and the sound of mp4 (FFmpeg by PyAV)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from farandole.errors import AudioError
from farandole.music.declared_length import share_there

if TYPE_CHECKING:
    import av.container
    from av.audio.resampler import AudioResampler

SAMPLE_RATE = 22050
"""Rate at which farandole listens, Hz: onsets live below 11 kHz."""
BLOCK = 1 << 17
"""Samples per block of `decode_blocks` (6 s at 22050 Hz)."""
_TAKEN = 1 << 14
"""Samples taken from the resampler at a time: a packet's thousand or so would cost more in handling than in arithmetic."""
SHORTEST = 1.0
"""Least sound a song needs, s."""
_ACCEPTED = "a sound file (wav, flac, ogg, mp3, m4a, mp4) with at least 1 s of sound"
_WHOLE = 0.9  # a file that yields less of its declared length (or of its packets) than this is refused as damaged


def decode(path: str | Path, *, sample_rate: int = SAMPLE_RATE, side: bool = False, track: int = 0) -> np.ndarray:
    """All samples of a file, mono float32 [N]. Arguments and errors as for `decode_blocks`."""
    return np.concatenate(list(decode_blocks(path, sample_rate=sample_rate, side=side, track=track)))


def sound_tracks(path: str | Path) -> int:
    """How many sound tracks a file has; 0 if it is no sound file."""
    import av.error

    try:
        with av.open(str(path)) as container:
            return len(container.streams.audio)
    except (av.error.FFmpegError, OSError, ValueError):
        return 0


def decode_blocks(
    path: str | Path,
    *,
    sample_rate: int = SAMPLE_RATE,
    block: int = BLOCK,
    others: Mapping[int, list[np.ndarray]] | None = None,
    side: bool = False,
    track: int = 0,
) -> Iterator[np.ndarray]:
    """Decode a file piece by piece; memory does not grow with its length.

    A sound track is mixed down to mono and resampled. Sample 0 is what a player plays first (encoder delay is
    removed, a track that starts late is preceded by silence), so times match the file as a browser plays it. A damaged
    file yields what can be decoded if that is at least 90 % of what it declares, and is refused otherwise; lost
    packets become silence where the container has time stamps, and are left out (as in a player) where it has none, as
    in mp3.

    Args:
        path: wav, flac, ogg, mp3, m4a, mp4 or whatever else FFmpeg reads.
        sample_rate: Rate of the result, Hz.
        block: Samples per block; the last may be shorter.
        others: More sample rates, each with a list to which its samples are added, in pieces, while blocks are taken: the file is
            decoded once for all rates. They are the same as if asked for alone.
        side: Half the difference of the channels of stereo sound in place of its sum.
        track: Which of the file's sound tracks.

    Yields:
        Mono samples, float32 [block].

    Raises:
        AudioError: If the file is missing, is no sound file, has no sound track, is truncated or damaged beyond 10 %,
            holds NaN, or holds less than 1 s of sound. What shows only at the end of the file is raised after its last
            block.
    """
    path = Path(path)
    if not path.exists():
        raise AudioError(f"{path}: no such file; needed is {_ACCEPTED}")
    if path.is_dir():
        raise AudioError(f"{path}: is a folder; needed is {_ACCEPTED}")
    total = 0
    for piece in _regroup(_pieces(path, sample_rate, others or {}, side, track), block):
        if not np.isfinite(piece).all():
            raise AudioError(f"{path}: holds samples that are NaN or infinite; needed is {_ACCEPTED}")
        total += len(piece)
        yield piece
    if total < round(SHORTEST * sample_rate):
        raise AudioError(f"{path}: holds {total / sample_rate:.2f} s of sound; at least {SHORTEST:g} s is needed")


def ahead(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The same blocks, each worked out by another thread while the one before is used."""
    with ThreadPoolExecutor(1) as beside:
        block = beside.submit(next, blocks, None)
        while (one := block.result()) is not None:
            block = beside.submit(next, blocks, None)
            yield one


def resample(samples: np.ndarray, sample_rate: int, target_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Band-limited change of sample rate (libswresample), float32 [N] -> float32 [round(N * target / rate)]."""
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if sample_rate == target_rate:
        return samples
    from av import AudioFrame

    def frames() -> Iterator[AudioFrame]:
        for at in range(0, len(samples), BLOCK):
            frame = AudioFrame.from_ndarray(samples[None, at : at + BLOCK], format="flt", layout="mono")
            frame.sample_rate = sample_rate
            yield frame

    out = np.concatenate([np.zeros(0, np.float32), *_resampled(frames(), target_rate)])
    wanted = round(len(samples) * target_rate / sample_rate)
    return np.pad(out, (0, max(0, wanted - len(out))))[:wanted]


def _regroup(pieces: Iterable[np.ndarray], block: int) -> Iterator[np.ndarray]:
    """Pieces of any length as blocks of one length."""
    held: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= block:
            joined = np.concatenate(held)
            whole = count - count % block
            for at in range(0, whole, block):
                yield joined[at : at + block]
            held, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(held)


def _pieces(
    path: Path, sample_rate: int, others: Mapping[int, list[np.ndarray]], side: bool, track: int
) -> Iterator[np.ndarray]:
    import av.error

    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{path}: cannot be read as sound ({_reason(error)}); needed is {_ACCEPTED}") from error
    with container:
        if len(container.streams.audio) <= track:
            raise AudioError(f"{path}: has no sound track; needed is {_ACCEPTED}")
        reader = _Reader(path, container, track)
        extra = [(_Resampler(rate, side), pieces) for rate, pieces in others.items()]
        main = _Resampler(sample_rate, side)
        for frame in reader.frames():
            for resampler, pieces in extra:
                pieces.extend(resampler.take(frame))
            yield from main.take(frame)
        for resampler, pieces in extra:
            pieces.extend(resampler.rest())
        yield from main.rest()
        reader.check()


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).split(":")[0].strip().lower() or type(error).__name__


class _Reader:
    """Frames of one of a container's sound tracks, with a count of what was lost."""

    def __init__(self, path: Path, container: av.container.InputContainer, track: int) -> None:
        self.path, self.container = path, container
        self.stream = container.streams.audio[track]
        self.good = self.bad = 0
        self.seconds = 0.0  # decoded, without inserted silence
        self.reason = "no sound could be decoded"

    def frames(self) -> Iterator[av.AudioFrame]:
        import av.error

        clock: float | None = None  # time at which the next frame should start
        packets = self.container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.error.FFmpegError as error:
                self.bad += 1
                self.reason = _reason(error)
                if self.bad > 1000 and self.bad > self.good:
                    return  # hopeless: `check` says so
                continue
            for frame in frames:
                assert isinstance(frame, av.AudioFrame)
                if clock is None:
                    clock = (self.container.start_time or 0) / 1e6
                    gap = 0.0 if frame.time is None else frame.time - clock
                else:
                    gap = frame.time - clock if self.bad and frame.time is not None else 0.0
                if 0.002 < gap < 600:
                    clock += gap
                    yield from _silence(frame, gap)
                length = frame.samples / frame.sample_rate
                clock += length
                self.seconds += length
                self.good += 1
                yield frame

    def check(self) -> None:
        """Refuse a file that gave too little of what it declares."""
        if not self.good:
            raise AudioError(f"{self.path}: cannot be read as sound ({self.reason}); needed is {_ACCEPTED}")
        declared = self._declared_seconds()
        if declared and self.seconds < _WHOLE * declared - 0.1:
            raise AudioError(
                f"{self.path}: truncated or damaged, holds {self.seconds:.1f} s of the {declared:.1f} s it declares; "
                f"at least {100 * _WHOLE:.0f} % is needed"
            )
        share = share_there(self.path)
        if share < _WHOLE:
            raise AudioError(
                f"{self.path}: truncated, holds {100 * share:.0f} % of the sound it declares; {100 * _WHOLE:.0f} % is needed"
            )
        if self.bad > (1 - _WHOLE) * (self.good + self.bad):
            raise AudioError(f"{self.path}: damaged, {self.bad} of {self.good + self.bad} packets cannot be decoded")

    def _declared_seconds(self) -> float:
        """Length by the file's own header, 0 where it has none worth trusting."""
        if "mp3" in self.container.format.name and not _has_length_header(self.path):
            return 0.0  # FFmpeg guesses from the first frames' bit rate: far off for variable rates
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        return (self.container.duration or 0) / 1e6


def _has_length_header(path: Path) -> bool:
    """Whether an mp3's first frame is a Xing, Info or VBRI header (which states the number of frames)."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3" and len(head) == 10:  # ID3v2 tag: its size is four bytes of seven bits
            file.seek(10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)))
        else:
            file.seek(0)
        first = file.read(2048)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _silence(like: av.AudioFrame, seconds: float) -> Iterator[av.AudioFrame]:
    """Frames of silence in the layout of another frame."""
    import av

    left = round(seconds * like.sample_rate)
    while left > 0:
        count = min(left, 1 << 16)
        frame = av.AudioFrame(format=like.format.name, layout=like.layout.name, samples=count)
        level = 0x80 if like.format.name.startswith("u8") else 0
        for plane in frame.planes:
            plane.update(bytes([level]) * plane.buffer_size)
        frame.sample_rate = like.sample_rate
        left -= count
        yield frame


def _resampled(frames: Iterable[av.AudioFrame], sample_rate: int) -> Iterator[np.ndarray]:
    """Mono float32 samples of frames at another rate."""
    resampler = _Resampler(sample_rate)
    for frame in frames:
        yield from resampler.take(frame)
    yield from resampler.rest()


class _Resampler:
    """Frames to mono float32 samples by libswresample; a change of format within the stream is followed."""

    def __init__(self, sample_rate: int, side: bool = False) -> None:
        self.sample_rate, self._side = sample_rate, side
        self._inner: AudioResampler | None = None
        self._source: Any = None
        self._gain = np.float32(1.0)

    def take(self, frame: av.AudioFrame) -> Iterator[np.ndarray]:
        """What can be had after one more frame."""
        frame.pts = None  # timestamps are dealt with by the reader; gaps must not confuse the resampler
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._inner is None or layout != self._source:
            yield from self.rest()
            channels = frame.layout.nb_channels
            # libswresample mixes stereo down by 0.707 (L + R); more channels are kept and averaged here
            layout_kept = "mono" if channels <= 2 and not (self._side and channels == 2) else frame.layout.name
            self._inner = _resampler(self.sample_rate, layout_kept)
            self._source = layout
            self._gain = np.float32(0.5**0.5 if layout_kept == "mono" and channels == 2 else 1.0)
        yield from self._mono(self._inner.resample(frame))

    def rest(self) -> Iterator[np.ndarray]:
        """What is left at the end."""
        if self._inner is not None:
            yield from self._mono(self._inner.resample(None))
            self._inner = None

    def _mono(self, frames: Iterable[av.AudioFrame]) -> Iterator[np.ndarray]:
        for frame in frames:
            channels = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
            if self._side and channels.shape[1] == 2:
                channels = channels * np.array([1, -1], np.float32)
            yield self._gain * (channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1))


def _resampler(sample_rate: int, layout: str) -> AudioResampler:
    from av.audio.resampler import AudioResampler

    return AudioResampler(format="flt", layout=layout, rate=sample_rate, frame_size=_TAKEN)
