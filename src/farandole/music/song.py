"""A song: what farandole knows of a piece of music."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from farandole._memory import give_back_freed_memory
from farandole.errors import AudioError
from farandole.music.beats import Beats, BeatTracker
from farandole.music.chroma import Chroma
from farandole.music.decode import BLOCK, SAMPLE_RATE, SHORTEST, ahead, decode, decode_blocks, resample, sound_tracks
from farandole.music.onsets import FrameFeatures, RestingFeatures, analyse

_VANISHING = 1e-4
"""Greatest power (full scale 1) from which a sum of channels is taken to have vanished: the difference is looked at then."""

_LONG = 1200.0  # s from which on a song lets go of its spectra while it is danced to


class Song:
    """Music with frame features at hand and beats and samples found when asked for.

    Only frame-level features are held (about 50 MB per hour), so long sets fit; `samples` decodes the file again and
    keeps the result.

    Attributes:
        name: Title, by default the file's name without its suffix.
        path: File the song was read from, or None.
        sample_rate: Rate of `samples` and of the analysis, 22050 Hz.
        seconds: Length.
        frames: Frame features; see `onsets.FrameFeatures`.
        side: Whether the difference of two channels was heard, because their sum vanishes (one is inverted).
        track: Which of the file's sound tracks was heard: the first that is not silent.
    """

    def __init__(
        self,
        frames: FrameFeatures,
        *,
        name: str,
        path: Path | None = None,
        samples: np.ndarray | None = None,
        side: bool = False,
        track: int = 0,
    ) -> None:
        self.frames, self.name, self.path, self.side, self.track = frames, name, path, side, track
        self.sample_rate, self.seconds = frames.sample_rate, frames.seconds
        self._samples = samples
        self._at: dict[int, np.ndarray] = {}
        self._chroma: tuple[np.ndarray, float] | None = None
        self._within: dict[tuple[float, float], Beats] = {}
        self._told: Beats | None = None

    @classmethod
    def from_samples(cls, samples: np.ndarray, sample_rate: int, *, name: str = "song") -> Song:
        """A song from sound in memory.

        Args:
            samples: Float samples in -1..1, [N] mono or [N, C] (channels are averaged).
            sample_rate: Samples per second; resampled to 22050 Hz.
            name: Title.

        Raises:
            AudioError: If there is less than 1 s of sound, a shape other than [N] or [N, C], or NaN.
        """
        samples = np.asarray(samples)
        if samples.ndim not in (1, 2) or not np.issubdtype(samples.dtype, np.floating):
            raise AudioError(
                f"{name}: samples are {samples.dtype} {samples.shape}; needed is float [N] or [N, C] in -1..1"
            )
        if samples.ndim == 2:
            samples = samples.mean(axis=1)
        if not 1000 <= sample_rate <= 1_000_000:
            raise AudioError(f"{name}: sample rate {sample_rate}; accepted is 1000 to 1000000 Hz")
        if len(samples) < SHORTEST * sample_rate:
            raise AudioError(
                f"{name}: holds {len(samples) / sample_rate:.2f} s of sound; at least {SHORTEST:g} s is needed"
            )
        if not np.isfinite(samples).all():
            raise AudioError(f"{name}: holds samples that are NaN or infinite")
        sound = resample(samples.astype(np.float32), sample_rate, SAMPLE_RATE)
        return cls(analyse(_blocks(sound), SAMPLE_RATE), name=name, samples=sound)

    @cached_property
    def samples(self) -> np.ndarray:
        """Mono sound, float32 [N]; decoded on first use."""
        if self._samples is not None:
            return self._samples
        if self.path is None:
            raise AudioError(f"{self.name}: was made without samples")
        return decode(self.path, sample_rate=self.sample_rate, side=self.side, track=self.track)

    def samples_at(self, sample_rate: int) -> np.ndarray:
        """Mono sound at another rate, float32 [N]; held until a rate is asked for that is not at hand. See `load_song`."""
        if sample_rate not in self._at:
            if self.path is not None:
                sound = decode(self.path, sample_rate=sample_rate, side=self.side, track=self.track)
            else:
                sound = resample(self.samples, self.sample_rate, sample_rate)
            self._at = {sample_rate: sound}
        return self._at[sample_rate]

    @cached_property
    def chroma(self) -> tuple[np.ndarray, float]:
        """Strength of the pitch classes, [T, 12], and rows per second; see `chroma.Chroma` and `load_song`."""
        if self._chroma is not None:
            return self._chroma
        if self._samples is not None or self.path is None:
            blocks = _blocks(self.samples)
        else:
            blocks = decode_blocks(self.path, side=self.side, track=self.track)
        chroma = Chroma(self.sample_rate)
        for _ in chroma.hear(blocks):
            pass
        return chroma.rows(), chroma.fps

    @cached_property
    def beats(self) -> Beats:
        """Beats at the tempo that fits best; see `beats_within` for a given range."""
        if self._told is not None:
            return self._told
        beats = self._tracker.beats()
        self._tidied()
        return beats

    @cached_property
    def _tracker(self) -> BeatTracker:
        return BeatTracker(self.frames)

    def with_beats(self, beats: Beats) -> Song:
        """The same song with beats that are told, in place of those found; see `beats.overrides.told_beats`."""
        song = Song(
            self.frames, name=self.name, path=self.path, samples=self._samples, side=self.side, track=self.track
        )
        song._at, song._chroma, song._told = self._at, self._chroma, beats
        return song

    def beats_within(self, min_bpm: float, max_bpm: float) -> Beats:
        """Beats with the tempo held to a range, beats per minute: for when the tempo is roughly known.

        What does not depend on the range is heard once for this and `beats`. Of beats that were told the octave nearest to
        the range.
        """
        if self._told is not None:
            return self._told.folded(min_bpm, max_bpm)
        key = (float(min_bpm), float(max_bpm))
        if key not in self._within:
            self._within[key] = self._tracker.beats(min_bpm, max_bpm)
        return self._within[key]

    def beats_for(self, low: float, high: float) -> Beats:
        """Beats at the octave (double or half tempo) that suits a dance style's range, beats per minute.

        Tracks within the octave about the range's geometric middle (or within the range, if that is wider), where each
        tempo has one double or half: steadier than `beats.folded`, which can only split or thin what was found at
            another octave.

        Raises:
            AudioError: If the range is empty or not positive.
        """
        if not 0 < low < high:
            raise AudioError(f"tempo range {low:g} to {high:g}: needs 0 < low < high")
        if self._told is not None:
            return self._told.folded(low, high)
        middle = float(np.sqrt(low * high))
        return self.beats_within(max(20.0, min(low, middle / 2**0.5)), min(400.0, max(high, middle * 2**0.5)))

    def rest(self) -> None:
        """Let go of what finding beats and sections needs of a long song; it is heard again if it is asked for.

        A song of less than 20 minutes, or without a file, keeps everything.
        """
        if self.seconds >= _LONG and self.path is not None and not isinstance(self.frames, RestingFeatures):
            path, name, side, track = self.path, self.name, self.side, self.track
            self.frames = RestingFeatures(self.frames, lambda: _heard(path, name, (), False, side, track).frames)
            self.__dict__.pop("_tracker", None)
            give_back_freed_memory()

    def _tidied(self) -> None:
        """Give back what hearing a long song needed for a while."""
        if self.seconds >= _LONG:
            give_back_freed_memory()

    @property
    def tempo(self) -> float:
        """Tempo of `beats`, beats per minute."""
        return self.beats.tempo

    def __repr__(self) -> str:
        return f"Song({self.name!r}, {self.seconds:.1f} s)"


def load_song(path: str | Path, *, name: str | None = None, rates: Iterable[int] = (), chroma: bool = False) -> Song:
    """Read a song: wav, flac, ogg, mp3, m4a or the sound of an mp4; analysed in one pass, in bounded memory.

    Args:
        path: The file.
        name: Title; by default the file's name.
        rates: Sample rates (Hz) that `samples_at` will be asked for: had from the same pass of decoding, and held.
        chroma: Whether `Song.chroma`, which finding sections needs, is had from the same pass, too.

    Raises:
        AudioError: If the file cannot be decoded or holds less than 1 s of sound; see `decode.decode_blocks`.
    """
    path = Path(path)
    wanted = tuple(rates)
    song = _heard(path, name or path.stem, wanted, chroma)
    if song.frames.power.max() < _VANISHING:
        rest = [{"side": False, "track": track} for track in range(1, sound_tracks(path))]
        for other in ({"side": True, "track": 0}, *rest):
            found = _heard(path, song.name, wanted, chroma, **other)
            if found.frames.power.max() > 100 * song.frames.power.max():
                return found
    return song


def _heard(path: Path, name: str, rates: Sequence[int], chroma: bool, side: bool = False, track: int = 0) -> Song:
    """A song as one of its tracks has it, with samples at other rates and chroma at hand if they are wanted."""
    others: dict[int, list[np.ndarray]] = {rate: [] for rate in rates}
    blocks = ahead(decode_blocks(path, others=others, side=side, track=track))
    harmony = Chroma(SAMPLE_RATE) if chroma else None
    frames = analyse(harmony.hear(blocks) if harmony else blocks, SAMPLE_RATE)
    song = Song(frames, name=name, path=path, side=side, track=track)
    song._at = {rate: np.concatenate(others.pop(rate)) for rate in list(others)}
    song._chroma = (harmony.rows(), harmony.fps) if harmony else None
    song._tidied()
    return song


def as_song(song: Song | str | Path) -> Song:
    """A song, or the one in a sound file."""
    return load_song(song, chroma=True) if isinstance(song, str | Path) else song


def _blocks(samples: np.ndarray) -> Iterable[np.ndarray]:
    return (samples[at : at + BLOCK] for at in range(0, len(samples), BLOCK))
