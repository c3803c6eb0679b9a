"""Frame features of sound and onset strength: what begins when, in four frequency bands.

Log-compressed mel energies at about 86 frames a second, then a spectral flux with a maximum filter over neighbouring
bands, so that vibrato does not count as onsets (S. Böck and G. Widmer: Maximum filter vibrato suppression for onset
detection, DAFx 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from farandole.music.growing import GrowingRows

if TYPE_CHECKING:
    from farandole.music.activation import Activation

HOP = 256
WINDOW = 1024
MEL_BANDS = 40
EDGES = (0.0, 180.0, 700.0, 2800.0, np.inf)
"""Borders of the four onset bands, Hz: bass, low mid (body of drums, chords), mid (snare, claps, voices), high (hats)."""
BAND_NAMES = ("bass", "low_mid", "mid", "high")
RISE_DELAY = 0.0035
"""Seconds by which peaks of `attacks` follow what they show: -1 ms on bare clicks, 2 to 4 on drums, 5 to 9 on whole songs whose
beats are known; so beats are within 5 ms of all."""
FLUX_DELAY = 0.0005
"""The same for `onsets`, whose logarithm rises early: -4 ms on bare clicks, 1 to 5 on whole songs."""
_LAG = 2  # frames over which energy must rise: half a window
_COMPRESSION = 10.0  # gamma of log(1 + gamma * amplitude)
_CHUNK = 1 << 14  # frames handled at a time


@dataclass(frozen=True, eq=False)
class FrameFeatures:
    """What is kept of a song after one pass over its samples.

    Attributes:
        fps: Frames per second; frame t is centred on t / fps seconds.
        mel: Mel band powers, float32 [T, 40]; a full-scale sine gives about 1 in its band.
        power: Mean square of the samples around each frame, float32 [T].
        seconds: Length of the song.
        sample_rate: Rate the analysis ran at, Hz.
    """

    fps: float
    mel: np.ndarray
    power: np.ndarray
    seconds: float
    sample_rate: int

    def __len__(self) -> int:
        return len(self.power)

    @cached_property
    def times(self) -> np.ndarray:
        """Centres of the frames, [T] s."""
        return np.arange(len(self)) / self.fps

    @cached_property
    def sounding(self) -> np.ndarray:
        """Which frames are less than 40 dB below the loudest, bool [T]."""
        return self.power > 1e-4 * self.power.max()

    @cached_property
    def level(self) -> float:
        """Loud level of the song: 95th percentile of `power` over the sounding frames."""
        return 0.0 if self.silent else float(np.percentile(self.power[self.sounding], 95))

    @cached_property
    def silent(self) -> bool:
        """Whether there is nothing to hear: never above -70 dB of full scale."""
        return float(self.power.max()) < 1e-7

    @cached_property
    def onsets(self) -> np.ndarray:
        """Onset strength in the four bands of `BAND_NAMES`, float32 [T, 4], not negative, independent of the song's level."""
        return _flux(self)

    @cached_property
    def attacks(self) -> np.ndarray:
        """Rise of amplitude in the four bands, float32 [T, 4], not negative: like `onsets`, but loud sounds count for more."""
        if self.silent:
            return np.zeros((len(self), len(BAND_NAMES)), np.float32)
        amplitude = np.stack([np.sqrt(self.mel[:, m].sum(axis=1)) for m in self._members], axis=1)
        before = np.concatenate([np.zeros_like(amplitude[:_LAG]), amplitude[:-_LAG]])[
            : len(amplitude)
        ]  # silence goes before
        return np.maximum(amplitude - before, 0)

    @cached_property
    def activation(self) -> Activation:
        """P(beat), P(downbeat) and tempo of each frame by the beat network that hears the whole song."""
        from farandole.music.activation import SpectrumRows, load_network

        return load_network().whole(SpectrumRows(self.mel, self.fps))

    @cached_property
    def _members(self) -> list[np.ndarray]:
        """Which mel bands make up each onset band, bool [40] each."""
        _, centres = mel_filters(self.sample_rate, WINDOW, MEL_BANDS)
        return [(low <= centres) & (centres < high) for low, high in pairwise(EDGES)]

    @cached_property
    def onset(self) -> np.ndarray:
        """Onset strength over all bands, float32 [T]: their mean."""
        return self.onsets.mean(axis=1)

    @cached_property
    def punch(self) -> float:
        """How hard the music strikes: strong onsets (98th percentile) summed over the bands.

        Strings and slow pianos are at 0.5 to 1.5, songs with drums at 2 to 5.
        """
        return float(np.percentile(self.onsets, 98, axis=0).sum())


class RestingFeatures(FrameFeatures):
    """Frame features without the spectra, which take most of the memory; they are heard again where they are asked for.

    Args:
        features: What is known; loudness and onsets are kept.
        again: Gives the same once more.
    """

    _again: Callable[[], FrameFeatures]

    def __init__(self, features: FrameFeatures, again: Callable[[], FrameFeatures]) -> None:
        for name in ("fps", "power", "seconds", "sample_rate"):
            object.__setattr__(self, name, getattr(features, name))
        object.__setattr__(self, "_again", again)
        kept = ("onsets", "onset", "punch", "level", "sounding", "silent")
        self.__dict__.update({name: features.__dict__[name] for name in kept if name in features.__dict__})

    @cached_property
    def mel(self) -> np.ndarray:  # pyright: ignore[reportIncompatibleVariableOverride]
        """See `FrameFeatures.mel`."""
        return self._again().mel


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Inverse of the mel scale of O'Shaughnessy (1987): hz = 700 (10^(mel / 2595) - 1)."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


def hz_to_mel(hz: np.ndarray | float) -> np.ndarray:
    """mel = 2595 log10(1 + hz / 700) (O'Shaughnessy, 1987)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def mel_filters(
    sample_rate: int, window: int, bands: int, low: float = 30.0, high: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Triangular mel filters of unit peak.

    Returns:
        Weights float32 [window // 2 + 1, bands], and the bands' centres, [bands] Hz.
    """
    corners = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high or 0.47 * sample_rate), bands + 2))
    # a triangle narrower than two bins could fall between them: widen the lowest ones
    bin_hz = sample_rate / window
    frequency = np.arange(window // 2 + 1) * bin_hz
    left = np.minimum(corners[:-2], corners[1:-1] - bin_hz)
    right = np.maximum(corners[2:], corners[1:-1] + bin_hz)
    rising = (frequency[:, None] - left) / (corners[1:-1] - left)
    falling = (right - frequency[:, None]) / (right - corners[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32), corners[1:-1]


def analyse(blocks: Iterable[np.ndarray], sample_rate: int) -> FrameFeatures:
    """One pass over mono samples in blocks of any length; the result does not depend on how they are cut.

    Args:
        blocks: Mono samples, float32 [n] each.
        sample_rate: Samples per second.
    """
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    scale = np.float32((2.0 / window.sum()) ** 2)  # a full-scale sine has power 1 in its bin
    filters, _ = mel_filters(sample_rate, WINDOW, MEL_BANDS)
    held = np.zeros(WINDOW // 2, np.float32)  # frame 0 is centred on sample 0
    mel, power, count = GrowingRows(), GrowingRows(), 0

    def run(samples: np.ndarray) -> np.ndarray:
        frames = (len(samples) - WINDOW) // HOP + 1
        if frames <= 0:
            return samples
        view = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
        for at in range(0, frames, 2048):
            piece = view[at : at + 2048]
            spectrum = np.fft.rfft(piece * window)
            mel.add((spectrum.real**2 + spectrum.imag**2).astype(np.float32) * scale @ filters)
            power.add(np.mean(np.square(piece[:, WINDOW // 4 : -WINDOW // 4]), axis=1))
        return samples[frames * HOP :]

    for block in blocks:
        block = np.asarray(block, dtype=np.float32)
        count += len(block)
        held = run(np.concatenate([held, block]))
    total = count // HOP + 1  # frames centred within the sound
    missing = max(0, (total - len(mel) - 1) * HOP + WINDOW - len(held))
    run(np.concatenate([held, np.zeros(missing, np.float32)]))
    seconds = count / sample_rate
    return FrameFeatures(sample_rate / HOP, mel.joined()[:total], power.joined()[:total], seconds, sample_rate)


def _flux(features: FrameFeatures) -> np.ndarray:
    count = len(features)
    out = np.zeros((count, len(BAND_NAMES)), np.float32)
    if features.silent:
        return out
    members = features._members
    # bass has more power than treble: measure each onset band against its own loud level, at most 40 dB below the loudest
    loud = np.array([np.percentile(features.mel[:, m].mean(axis=1)[features.sounding], 95) for m in members])
    loud = np.maximum(loud, loud.max() * 1e-4)
    reference = np.sum([m * level for m, level in zip(members, loud, strict=True)], axis=0).astype(np.float32)
    for at in range(0, count, _CHUNK):
        level = np.log1p(_COMPRESSION * np.sqrt(features.mel[max(0, at - _LAG) : at + _CHUNK] / reference))
        if at == 0:  # silence goes before the song
            level = np.concatenate([np.zeros((_LAG, level.shape[1]), level.dtype), level])
        before = level.copy()
        before[:, 1:] = np.maximum(before[:, 1:], level[:, :-1])
        before[:, :-1] = np.maximum(before[:, :-1], level[:, 1:])
        rise = np.maximum(level[_LAG:] - before[:-_LAG], 0)
        out[at : at + _CHUNK] = np.stack([rise[:, m].mean(axis=1) for m in members], axis=1)[
            : len(out[at : at + _CHUNK])
        ]
    return out
