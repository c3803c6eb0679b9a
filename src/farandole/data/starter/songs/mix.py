"""Adding sounds at times, and the last touch: side chain, room, tone, level."""

from __future__ import annotations

import numpy as np

from farandole.data.starter.songs.instruments import Samples

_DUCK_SECONDS = 0.13


class Mix:
    """Two buses of sound, `drums` and `music`, float32 [N] each; `music` can be ducked under the kick."""

    def __init__(self, seconds: float, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        length = round(seconds * sample_rate)
        self.buses = {"drums": np.zeros(length, np.float32), "music": np.zeros(length, np.float32)}
        self._dip = np.zeros(length, np.float32)
        self._dip_shape = np.exp(
            -np.arange(round(4 * _DUCK_SECONDS * sample_rate)) / (_DUCK_SECONDS * sample_rate)
        ).astype(np.float32)

    def add(self, bus: str, sound: Samples, seconds: float, gain: float) -> None:
        """Add a sound, its first sample at `seconds` (nearest sample); what falls outside the song is dropped."""
        if not np.isfinite(seconds):
            return
        target, at = self.buses[bus], round(seconds * self.sample_rate)
        if at < 0 and at + len(sound) > 0 and at > -2:
            at = 0
        end = min(at + len(sound), len(target))
        if 0 <= at < end:
            target[at:end] += np.float32(gain) * sound[: end - at]

    def duck(self, seconds: float, depth: float) -> None:
        """Dip the `music` bus by `depth` (0 to 1) from `seconds` on, recovering with a time constant of 0.13 s."""
        if not depth or not np.isfinite(seconds):
            return
        at = round(seconds * self.sample_rate)
        end = min(at + len(self._dip_shape), len(self._dip))
        if 0 <= at < end:
            np.maximum(self._dip[at:end], np.float32(depth) * self._dip_shape[: end - at], out=self._dip[at:end])

    def down(self, drums: float, music: float) -> Samples:
        """Sum of the buses at the given levels, ducking applied."""
        return np.float32(drums) * self.buses["drums"] + np.float32(music) * self.buses["music"] * (1 - self._dip)


def master(mix: Mix, rng: np.random.Generator) -> Samples:
    """Mix down with a drawn balance, room, tilt of the spectrum and background noise; limited softly to a drawn peak below 1."""
    balance = rng.uniform(-0.4, 0.4)
    dry = mix.down(np.exp(-balance), np.exp(balance))
    wet = _filtered(dry, _room_and_tilt(rng, mix.sample_rate))
    floor = 10 ** (rng.uniform(-75, -50) / 20)
    wet += np.float32(floor) * rng.standard_normal(len(wet), dtype=np.float32)
    drive = rng.uniform(0.8, 1.6) / (np.percentile(np.abs(wet), 99.5) + 1e-6)
    return (np.float32(rng.uniform(0.4, 0.95)) * np.tanh(np.float32(drive) * wet)).astype(np.float32)


def _room_and_tilt(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Impulse response: the direct sound first, a decaying diffuse tail, then a tilt of up to 3 dB per decade."""
    decay, level, tilt = rng.uniform(0.06, 0.3), rng.uniform(0.0, 0.25), rng.uniform(-0.15, 0.15)
    t = np.arange(round(4 * decay * sample_rate)) / sample_rate
    response = rng.standard_normal(len(t)) * np.exp(-t / decay)
    response[: round(0.012 * sample_rate)] = 0  # a gap before the room answers keeps attacks clean
    response *= level / (np.sqrt(np.sum(response**2)) + 1e-9)
    response[0] = 1.0
    size = 1 << (len(response) + 512).bit_length()
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 40.0)
    tone = (frequency / 1000.0) ** tilt
    # minimum phase, so that the tilt does not smear sound in front of an attack (Oppenheim & Schafer, homomorphic filtering)
    fold = np.fft.irfft(np.log(tone), size)
    fold[1 : size // 2] *= 2
    fold[size // 2 + 1 :] = 0
    shaped = np.fft.rfft(response, size) * np.exp(np.fft.rfft(fold, size))
    return np.fft.irfft(shaped, size)[: len(response) + 256].astype(np.float32)


def _filtered(sound: Samples, response: np.ndarray) -> Samples:
    """Causal convolution by overlap-add, same length as `sound`."""
    size = 1 << 17
    block = size - len(response) + 1
    spectrum = np.fft.rfft(response, size)
    out = np.zeros(len(sound) + size, np.float32)
    for at in range(0, len(sound), block):
        out[at : at + size] += np.fft.irfft(np.fft.rfft(sound[at : at + block], size) * spectrum, size)
    return out[: len(sound)]
