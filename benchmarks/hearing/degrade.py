"""What happens to music on its way to the ear: mastering, rooms, noise, telephones, drop-outs, silence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

RATE = 22050
DEGRADATIONS = (
    "noise", "loud_noise", "quiet", "clipped", "telephone", "room", "microphone", "dropouts", "silence_before", "silence_within",
    "low_rate", "lowpass",
)  # fmt: skip
Audible = Callable[[float], bool]


def master(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A drawn tone (smooth curve of up to 9 dB), a drawn room, noise floor, saturation."""
    size = 1 << (len(samples) + 8192 - 1).bit_length()
    spectrum = np.fft.rfft(samples, size)
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE), 20.0)
    knots = np.log(np.array([20, 80, 200, 500, 1200, 3000, 6000, 11025.0]))
    gain = np.interp(np.log(hz), knots, rng.normal(0, 3.5, len(knots)).clip(-9, 9))
    spectrum *= 10 ** (gain / 20)
    if rng.random() < 0.7:
        spectrum *= np.fft.rfft(_impulse(rng, rng.uniform(0.05, 0.3), rng.uniform(0.0, 0.3)), size)
    out = np.fft.irfft(spectrum, size)[: len(samples)]
    peak = np.percentile(np.abs(out), 99.8) + 1e-6
    out = np.tanh(rng.uniform(0.5, 2.0) * out / peak) * rng.uniform(0.3, 0.9)
    return (out + 10 ** (rng.uniform(-80, -50) / 20) * rng.standard_normal(len(out))).astype(np.float32)


def degrade(samples: np.ndarray, name: str, rng: np.random.Generator) -> tuple[np.ndarray, Audible]:
    """The sound after a degradation, and which times of it still hold music."""
    level = float(np.sqrt(np.mean(samples**2))) + 1e-9
    n = len(samples)
    everywhere: Audible = lambda t: True  # noqa: E731
    if name == "noise":
        return samples + _noise(rng, n) * level * 10 ** (-rng.uniform(3, 20) / 20), everywhere
    if name == "loud_noise":
        return samples + _noise(rng, n) * level * 10 ** (rng.uniform(-3, 6) / 20), everywhere
    if name == "quiet":
        return samples * 10 ** (-rng.uniform(25, 50) / 20), everywhere
    if name == "clipped":
        return np.clip(samples * rng.uniform(3, 10), -0.9, 0.9), everywhere
    if name == "telephone":
        return _band(samples, 300, 3400), everywhere
    if name == "lowpass":
        return _band(samples, 20, rng.uniform(400, 2500)), everywhere
    if name == "room":
        return _convolve(samples, _impulse(rng, rng.uniform(0.3, 1.2), rng.uniform(0.4, 1.2))), everywhere
    if name == "microphone":
        wet = _convolve(samples, _impulse(rng, rng.uniform(0.2, 0.6), rng.uniform(0.3, 1.0)))
        wet = wet + _noise(rng, n) * level * 10 ** (-rng.uniform(8, 15) / 20)
        return _band(wet, 120, 8000), everywhere
    if name == "dropouts":
        out, at = samples.copy(), rng.uniform(1, 4)
        while at < n / RATE:
            size = rng.uniform(0.05, 0.3)
            out[round(at * RATE) : round((at + size) * RATE)] = 0
            at += rng.uniform(2, 4)
        return out, everywhere
    if name == "silence_before":
        size = round(rng.uniform(2, 6) * RATE)
        out = samples.copy()
        out[:size] = 0
        return out, lambda t: t > size / RATE - 0.02
    if name == "silence_within":
        begin = rng.uniform(0.3, 0.6) * n / RATE
        end = begin + rng.uniform(2, 5)
        out = samples.copy()
        out[round(begin * RATE) : round(end * RATE)] = 0
        return out, lambda t: not begin - 0.02 < t < end - 0.02
    if name == "low_rate":
        return _mp3(samples, 24_000), everywhere
    return samples, everywhere


def _noise(rng: np.random.Generator, count: int) -> np.ndarray:
    """Unit RMS noise, its spectrum between white and pink."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 50.0) ** rng.uniform(0, 0.5)
    noise = np.fft.irfft(spectrum, count)
    return (noise / (noise.std() + 1e-12)).astype(np.float32)


def _band(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    spectrum = np.fft.rfft(samples)
    hz = np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE), 1.0)
    spectrum /= np.sqrt(1 + (low / hz) ** 8) * np.sqrt(1 + (hz / high) ** 12)
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def _impulse(rng: np.random.Generator, decay: float, level: float) -> np.ndarray:
    t = np.arange(round(min(4 * decay, 2.5) * RATE)) / RATE
    response = rng.standard_normal(len(t)) * np.exp(-t / decay * 1.5)
    response[: round(0.008 * RATE)] = 0
    response *= level / (np.sqrt(np.sum(response**2)) + 1e-9)
    response[0] = 1.0
    return response


def _convolve(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    size = 1 << (len(samples) + len(response)).bit_length()
    out = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[: len(samples)]
    return (0.9 * out / (np.abs(out).max() + 1e-9)).astype(np.float32)


def _mp3(samples: np.ndarray, bits: int) -> np.ndarray:
    """There and back through mp3 (its delay taken off by the decoder), at 22050 Hz."""
    import tempfile
    from pathlib import Path

    import av

    from farandole.music.decode import decode

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mp3"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
            stream.bit_rate = bits
            frame = av.AudioFrame.from_ndarray(
                np.clip(samples, -1, 1)[None].astype(np.float32), format="flt", layout="mono"
            )
            frame.sample_rate, frame.pts = RATE, 0
            convert = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=RATE)
            for piece in [*convert.resample(frame), *convert.resample(None)]:
                container.mux(stream.encode(piece))
            container.mux(stream.encode(None))
        out = decode(path, sample_rate=RATE)
    return np.pad(out, (0, max(0, len(samples) - len(out))))[: len(samples)]
