"""The beat networks: dilated convolutions over time, one that hears the past only and one that hears the whole song.

After M. Davies and S. Böck, Temporal convolutional networks for musical audio beat tracking (EUSIPCO 2019), much smaller:
ten residual layers of 24 channels, whose taps lie 1, 2, 4 ... 512 frames apart, so that a network sees 24 s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from farandole.errors import AudioError

Array = np.ndarray

WEIGHTS = Path(__file__).parent / "weights.npz"
"""Trained by benchmarks/hearing/train.py on synthesised songs; its provenance is within."""
_TAPS = 3
_PIECE = 1 << 14  # frames of a song that are heard at a time


@dataclass(frozen=True, eq=False)
class Convolutions:
    """Weights of one network, float32.

    Attributes:
        mean, scale: Of the input, [I].
        enter, enter_bias: First convolution, [3 I, C] and [C].
        inner, inner_bias, outer, outer_bias: Of each layer, [L, 3 C, C], [L, C], [L, C, C], [L, C].
        head, head_bias: [C, 2], [2].
    """

    mean: Array
    scale: Array
    enter: Array
    enter_bias: Array
    inner: Array
    inner_bias: Array
    outer: Array
    outer_bias: Array
    head: Array
    head_bias: Array

    def whole(self, x: Array, *, causal: bool) -> Array:
        """P(beat), P(downbeat) for all frames at once: [T, I] -> [T, 2]."""
        y = np.maximum(_taps((x - self.mean) * self.scale, 1, causal) @ self.enter + self.enter_bias, 0)
        for layer in range(len(self.inner)):
            hidden = np.maximum(_taps(y, 2**layer, causal) @ self.inner[layer] + self.inner_bias[layer], 0)
            y = y + hidden @ self.outer[layer] + self.outer_bias[layer]
        return _sigmoid(np.maximum(y, 0) @ self.head + self.head_bias)

    @property
    def reach(self) -> int:
        """Frames that an output sees to one side (of a network that hears both ways)."""
        return 2 ** len(self.inner)


class LiveNetwork:
    """A causal network fed frame by frame; remembers what its taps reach back to."""

    def __init__(self, weights: Convolutions) -> None:
        self._weights = weights
        channels = len(weights.head)
        sizes = [len(weights.mean), *[channels] * len(weights.inner)]
        spans = [1, *(2**layer for layer in range(len(weights.inner)))]
        self._rings = [np.zeros((2 * d + 1, size), np.float32) for d, size in zip(spans, sizes, strict=True)]
        self._spans, self._frame = spans, -1

    def step(self, x: Array) -> Array:
        """The next frame's input [I] -> P(beat), P(downbeat), [2]."""
        w = self._weights
        self._frame += 1
        y = np.maximum(self._past(0, (x - w.mean) * w.scale) @ w.enter + w.enter_bias, 0)
        for layer in range(len(w.inner)):
            hidden = np.maximum(self._past(layer + 1, y) @ w.inner[layer] + w.inner_bias[layer], 0)
            y = y + hidden @ w.outer[layer] + w.outer_bias[layer]
        return _sigmoid(np.maximum(y, 0) @ w.head + w.head_bias)

    def _past(self, index: int, x: Array) -> Array:
        """A layer's input now and at its two earlier taps, oldest first, [3 I]."""
        ring, span, t = self._rings[index], self._spans[index], self._frame
        size = 2 * span + 1
        ring[t % size] = x
        return np.concatenate((ring[(t + 1) % size], ring[(t - span) % size], x))


class BeatNetwork:
    """P(beat) and P(downbeat) per frame.

    Attributes:
        delay: Frames by which the live answer lags: what comes out at frame t is said of frame t - delay.
        fps: Frames per second it was trained at.
        provenance: How the weights were made.
    """

    def __init__(self, live: Convolutions, whole: Convolutions, provenance: dict) -> None:
        self.delay, self.fps, self.provenance = int(provenance["delay"]), float(provenance["fps"]), provenance
        self._live, self._whole = live, whole

    def listen(self) -> LiveNetwork:
        """The network that hears the past only, before any sound."""
        return LiveNetwork(self._live)

    def live(self, x: Array) -> Array:
        """What `listen().step` says of every frame: `spectrum_input` [T, I] -> [T, 2], lagging by `delay`."""
        return self._live.whole(x, causal=True)

    def whole(self, x: Array) -> Array:
        """P(beat) and P(downbeat) of every frame of a song, heard forwards and backwards.

        Args:
            x: `spectrum_input` of the song, [T, I].

        Returns:
            float32 [T, 2].
        """
        reach, pieces = self._whole.reach, []
        for at in range(0, len(x), _PIECE):
            begin = max(0, at - reach)
            piece = self._whole.whole(x[begin : at + _PIECE + reach], causal=False)
            pieces.append(piece[at - begin : at - begin + _PIECE])
        return np.concatenate(pieces)


def _taps(x: Array, span: int, causal: bool) -> Array:
    """Rows of x at three times `span` apart, ending at (causal) or about each: [T, I] -> [T, 3 I]; zeros beyond the ends."""
    before, after = (2 * span, 0) if causal else (span, span)
    padded = np.pad(x, ((before, after), (0, 0)))
    return np.concatenate([padded[k * span : k * span + len(x)] for k in range(_TAPS)], axis=1)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


@lru_cache(maxsize=2)
def load_network(path: Path = WEIGHTS) -> BeatNetwork:
    """The shipped network, or one of another file.

    Raises:
        AudioError: If the file is no such network.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            provenance = json.loads(str(stored["provenance"]))
            networks = {}
            for name in ("live", "whole"):
                fields = Convolutions.__dataclass_fields__
                networks[name] = Convolutions(**{f: stored[f"{name}_{f}"].astype(np.float32) for f in fields})
        return BeatNetwork(**networks, provenance=provenance)
    except (OSError, KeyError, ValueError) as error:
        raise AudioError(f"{path}: is no beat network that farandole trained ({error})") from error
