"""Instruments of the synthesised songs: one-shot drums and pitched tones, each a float32 array made from numpy alone.

Drums are noise bursts, swept sines and small inharmonic banks with exponential decays; pitched tones are additive or
two-operator FM (J. Chowning: The Synthesis of Complex Audio Spectra by Means of Frequency Modulation, JAES 21(7),
1973). Every sound starts at its first sample, so that adding it at a time puts its attack there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = np.ndarray
"""Mono sound, float32 [N], full scale 1."""

DRUMS = (
    "kick", "snare", "rim", "clap", "hat", "open_hat", "shaker", "guiro", "crash", "clave", "conga", "conga_slap",
    "bongo", "cowbell", "tambourine", "tom",
)  # fmt: skip
TIMBRES = ("epiano", "piano", "organ", "strings", "pluck", "brass", "sub", "picked", "saw", "flute", "square")


def _noise(rng: np.random.Generator, count: int, low: float, high: float, sample_rate: int) -> Samples:
    """White noise between two frequencies (Hz), unit RMS."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / sample_rate)
    width = np.maximum(frequency, 1.0)
    spectrum *= 1 / (1 + (low / width) ** 4) / (1 + (width / high) ** 6)
    noise = np.fft.irfft(spectrum, count)
    return noise / (np.sqrt(np.mean(noise**2)) + 1e-9)


def _time(seconds: float, sample_rate: int) -> np.ndarray:
    return np.arange(max(2, round(seconds * sample_rate))) / sample_rate


def _finish(sound: np.ndarray, sample_rate: int, release: float = 0.01) -> Samples:
    """Fade the end, scale to peak 1, make float32."""
    fade = min(len(sound) - 1, max(1, round(release * sample_rate)))
    sound[-fade:] *= np.linspace(1, 0, fade)
    return (sound / (np.abs(sound).max() + 1e-9)).astype(np.float32)


def _swept(t: np.ndarray, high: float, low: float, sweep: float) -> np.ndarray:
    """Sine gliding exponentially from `high` to `low` Hz with time constant `sweep` s."""
    return np.sin(2 * np.pi * (low * t + (high - low) * sweep * (1 - np.exp(-t / sweep))))


def _bank(t: np.ndarray, partials: list[tuple[float, float, float]]) -> np.ndarray:
    """Sum of decaying sines, each (Hz, gain, decay s)."""
    hz, gain, decay = np.array(partials).T[:, :, None]
    return (gain * np.sin(2 * np.pi * hz * t) * np.exp(-t / decay)).sum(axis=0)


def drum(name: str, rng: np.random.Generator, sample_rate: int) -> Samples:
    """One hit of a drum, its colour drawn from `rng`.

    Args:
        name: One of `DRUMS`.
        rng: Source of the colour (tuning, decay, noise); the same state gives the same hit.
        sample_rate: Samples per second.
    """
    tune, length = np.exp(rng.uniform(-0.18, 0.18)), np.exp(rng.uniform(-0.3, 0.3))
    noise = lambda t, low, high: _noise(rng, len(t), low, high, sample_rate)  # noqa: E731
    if name == "kick":
        t = _time(0.3 * length, sample_rate)
        body = _swept(t, 170 * tune, 48 * tune, 0.028) * np.exp(-t / (0.11 * length))
        return _finish(np.tanh(1.8 * body) + 0.12 * noise(t, 1500, 6000) * np.exp(-t / 0.004), sample_rate)
    if name == "snare":
        t = _time(0.24 * length, sample_rate)
        body = _bank(t, [(185 * tune, 0.8, 0.06), (331 * tune, 0.5, 0.04)])
        return _finish(body + 0.4 * noise(t, 1200, 8500) * np.exp(-t / (0.07 * length)), sample_rate)
    if name == "rim":
        t = _time(0.08, sample_rate)
        return _finish(
            _bank(t, [(1700 * tune, 1, 0.012), (480 * tune, 0.7, 0.01)])
            + 0.1 * noise(t, 2000, 8000) * np.exp(-t / 0.004),
            sample_rate,
        )
    if name == "clap":
        t = _time(0.22, sample_rate)
        bursts = sum(np.where(t >= d, np.exp(-(t - d) / 0.006), 0) for d in (0, 0.009, 0.018))
        return _finish(noise(t, 900, 5000) * (bursts + 0.6 * np.exp(-t / (0.06 * length))), sample_rate)
    if name in ("hat", "open_hat", "crash"):
        decay = {"hat": 0.022, "open_hat": 0.14, "crash": 0.6}[name] * length
        t = _time(min(decay * 5, 2.5), sample_rate)
        metal = _bank(t, [(f * tune, 0.12, decay) for f in (3150.0, 4123.0, 5371.0, 6890.0)])
        return _finish(
            metal + 0.5 * noise(t, 3500 if name == "crash" else 6000, 10500) * np.exp(-t / decay), sample_rate
        )
    if name in ("shaker", "guiro"):
        t = _time(0.09 if name == "shaker" else 0.16 * length, sample_rate)
        rattle = (
            noise(t, 4000, 9500)
            if name == "shaker"
            else noise(t, 2500, 7000) * (0.5 + 0.5 * np.sin(2 * np.pi * 90 * t))
        )
        return _finish(rattle * np.minimum(1, t / 0.008) * np.exp(-t / (0.03 * length)), sample_rate)
    if name == "clave":
        t = _time(0.12, sample_rate)
        return _finish(_bank(t, [(2480 * tune, 1, 0.022), (4960 * tune, 0.15, 0.01)]), sample_rate)
    if name in ("conga", "bongo", "tom"):
        hz, decay = {"conga": (205, 0.12), "bongo": (420, 0.06), "tom": (125, 0.16)}[name]
        t = _time(decay * 3.5 * length, sample_rate)
        body = _swept(t, 1.25 * hz * tune, hz * tune, 0.03) * np.exp(-t / (decay * length))
        return _finish(body + 0.08 * noise(t, 800, 4000) * np.exp(-t / 0.005), sample_rate)
    if name == "conga_slap":
        t = _time(0.09, sample_rate)
        return _finish(
            _bank(t, [(330 * tune, 0.5, 0.03), (1250 * tune, 0.4, 0.012)])
            + 0.3 * noise(t, 1200, 6000) * np.exp(-t / 0.012),
            sample_rate,
        )
    if name == "cowbell":
        t = _time(0.25 * length, sample_rate)
        bell = np.sign(np.sin(2 * np.pi * 562 * tune * t)) + np.sign(np.sin(2 * np.pi * 845 * tune * t))
        return _finish(bell * (0.7 * np.exp(-t / 0.018) + 0.3 * np.exp(-t / (0.09 * length))), sample_rate)
    if name == "tambourine":
        t = _time(0.14, sample_rate)
        jingle = _bank(t, [(f * tune, 0.2, 0.05) for f in (5200.0, 6350.0, 7900.0)])
        return _finish(jingle + 0.4 * noise(t, 5000, 10500) * np.exp(-t / 0.04), sample_rate)
    raise KeyError(name)


def _harmonics(
    t: np.ndarray, hz: float, gains: np.ndarray, sample_rate: int, decay: float = np.inf, spread: float = 0.0
) -> np.ndarray:
    """Additive tone: harmonic h has gains[h - 1] and dies by `spread` faster than the one below; none above 0.45 of the rate."""
    keep = max(1, min(len(gains), int(0.45 * sample_rate / hz)))
    # Powers of one rotating phasor are the harmonics: far cheaper than a sine each.
    rotor: NDArray[np.complex128] = np.exp(2j * np.pi * hz * t)
    step = np.exp(-t / decay * spread) if spread else None
    power, sound = rotor.copy(), gains[0] * np.imag(rotor)
    damping = step
    for gain in gains[1:keep]:
        power *= rotor
        if step is None:
            sound = sound + gain * power.imag
        else:
            sound = sound + gain * power.imag * damping
            damping = damping * step
    return sound * np.exp(-t / decay)


@lru_cache(maxsize=2048)
def tone(timbre: str, midi: int, milliseconds: int, sample_rate: int) -> Samples:
    """One note; cached, so treat it as read-only.

    Args:
        timbre: One of `TIMBRES`.
        midi: Pitch, MIDI number (69 = 440 Hz).
        milliseconds: Length, release included.
        sample_rate: Samples per second.
    """
    hz = 440.0 * 2 ** ((midi - 69) / 12)
    t = _time(milliseconds / 1000, sample_rate)
    order = np.arange(1, 15)
    if timbre == "epiano":
        index = 1.4 * np.exp(-t / 0.25)
        sound = np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * hz * t)) * np.exp(-t / 0.7)
        if 14 * hz < 0.45 * sample_rate:
            sound += 0.12 * np.sin(2 * np.pi * 14 * hz * t) * np.exp(-t / 0.03)
    elif timbre == "piano":
        sound = _harmonics(t, hz, 1 / order**1.1, sample_rate, 0.6, 0.25)
    elif timbre == "organ":
        gains = np.zeros(8)
        gains[[0, 1, 2, 3, 5, 7]] = (1, 0.8, 0.5, 0.35, 0.2, 0.15)
        sound = _harmonics(t, hz, gains, sample_rate) * np.minimum(1, t / 0.006)
    elif timbre == "strings":
        gains = 1 / order[:9] ** 1.2
        voices = [_harmonics(t, hz * 2 ** (cents / 1200), gains, sample_rate) for cents in (-7, 6)]
        sound = sum(voices) * np.minimum(1, t / 0.09)
    elif timbre == "pluck":
        sound = _harmonics(t, hz, 1 / order, sample_rate, 0.28, 0.35)
    elif timbre == "brass":
        bright = 1 - 0.7 * np.exp(-t / 0.03)
        sound = _harmonics(t, hz, 1 / order[:4], sample_rate) + bright * _harmonics(
            t, hz, 0.8 / order**0.8, sample_rate
        )
        sound *= np.minimum(1, t / 0.012) * (0.55 + 0.45 * np.exp(-t / 0.2))
    elif timbre == "sub":
        sound = (
            (np.sin(2 * np.pi * hz * t) + 0.35 * np.sin(4 * np.pi * hz * t))
            * np.minimum(1, t / 0.004)
            * np.exp(-t / 0.6)
        )
    elif timbre == "picked":
        sound = _harmonics(t, hz, 1 / order**1.3, sample_rate, 0.4, 0.3)
    elif timbre == "saw":
        sound = _harmonics(t, hz, np.exp(-order / 5) / order, sample_rate) * (0.5 + 0.5 * np.exp(-t / 0.15))
    elif timbre == "flute":
        vibrato = 1 + 0.004 * np.sin(2 * np.pi * 5 * t) * np.minimum(1, t / 0.3)
        phase = 2 * np.pi * hz * np.cumsum(vibrato) / sample_rate
        sound = (np.sin(phase) + 0.25 * np.sin(2 * phase) + 0.1 * np.sin(3 * phase)) * np.minimum(1, t / 0.03)
    elif timbre == "square":
        gains = np.where(order % 2 == 1, 1 / order, 0.0)
        sound = _harmonics(t, hz, gains, sample_rate) * (0.4 + 0.6 * np.exp(-t / 0.2))
    else:
        raise KeyError(timbre)
    return _finish(sound, sample_rate, release=min(0.06, 0.25 * t[-1]))
