"""A music feature of your own.

A function from a song to numbers per frame, with a name. From then on the name works wherever a feature is
named: in `features`, beside others as "beats+brightness", and in data that models are trained on.
"""

from __future__ import annotations

import numpy as np

import farandole as fa
from farandole.data.starter.songs import compose
from farandole.music.features import features
from farandole.music.features.registry import register


@register("brightness", ("brightness", "rise"))
def brightness(song: fa.Song, fps: float) -> np.ndarray:
    """Centre of gravity of the spectrum, octaves about 1 kHz, and how fast it rises (octaves per second): [T, 2]."""
    samples, rate = song.samples, song.sample_rate
    size = 2048
    times = np.arange(round(song.seconds * fps)) / fps  # row t belongs to t / fps seconds
    starts = np.clip((times * rate).astype(int) - size // 2, 0, max(len(samples) - size, 0))
    windows = samples[starts[:, None] + np.arange(size)] * np.hanning(size)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    pitch = np.fft.rfftfreq(size, 1 / rate)
    centre = (power * pitch).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-12)
    octaves = np.log2(np.maximum(centre, 20.0) / 1000.0)
    return np.stack((octaves, np.gradient(octaves) * fps), axis=1)


def main(seconds: float = 10.0, fps: float = 20.0) -> np.ndarray:
    """The feature beside the beats: [T, 7 + 2]."""
    made = compose(110, seconds, genre="disco", seed=4)
    song = fa.Song.from_samples(made.samples, made.sample_rate, name="disco")
    both = features(song, "beats+brightness", fps)
    print(
        f"{both.shape[0]} frames of {both.shape[1]} columns; mean brightness {both[:, 7].mean():.2f} octaves about 1 kHz"
    )
    return both


if __name__ == "__main__":
    main()
