"""The beat networks: dilated convolutions over time, one that hears the past only and one that hears the whole song.

After M. Davies and S. Böck, Temporal convolutional networks for musical audio beat tracking (EUSIPCO 2019), smaller, and
with the tempo as a second question (S. Böck, M. Davies, P. Knees, Multi-task learning of tempo and beat, ISMIR 2019). Frames
are heard in pairs; nine residual layers of 64 channels, whose taps lie 1, 2, 4 ... 256 pairs apart, see 24 s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from farandole.errors import AudioError
from farandole.music.activation.spectrum import SpectrumRows

Array = np.ndarray

WEIGHTS = Path(__file__).parent / "weights.npz"
"""Trained by benchmarks/hearing/train.py on synthesised songs; its provenance is within."""
_TAPS = 3
_PIECE = 1 << 14  # frames of a song that are heard at a time
TEMPI = 38.0 * 2 ** (np.arange(48) / 18)
"""Tempi that the networks tell apart, beats per minute."""
_LEAST_SHARE = 0.02  # of a tempo, against an even share: how far a network may rule it out
_SLOW = np.log2(TEMPI / 100.0)  # of two levels that fit, a network likes the faster
_MARKS = 4  # outputs that are P(beat), P(downbeat) of either frame of a pair; the tempi follow


def against_even(shares: np.ndarray) -> np.ndarray:
    """Shares of `TEMPI` against even ones, log, [..., 48]."""
    return np.log(np.maximum(shares * len(TEMPI), _LEAST_SHARE))


def level_votes(shares: np.ndarray) -> np.ndarray:
    """How far shares of `TEMPI` speak for each, log, [..., 48]: `against_even`, less the networks' liking for fast levels."""
    return against_even(shares) - _SLOW


class TwiceTold:
    """Rows [T, N] of which both frames of a pair have the same one, held once.

    Args:
        pairs: Row of each pair, [ceil(T / 2), N].
        count: T.
    """

    def __init__(self, pairs: Array, count: int) -> None:
        self._pairs, self._count = pairs, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, frames: slice | Array) -> Array:
        """Rows of some frames, numbered from 0."""
        return self._pairs[(np.arange(self._count)[frames] if isinstance(frames, slice) else frames) // 2]


@dataclass(frozen=True, eq=False)
class Activation:
    """What a network says of each frame.

    Attributes:
        marks: P(beat), P(downbeat), float32 [T, 2].
        tempo: Shares of `TEMPI` around each frame, each row of sum 1, float32 [T, 48], or what gives rows of it.
    """

    marks: Array
    tempo: Array | TwiceTold


@dataclass(frozen=True, eq=False)
class Convolutions:
    """Weights of one network, float32.

    Attributes:
        mean, scale: Of the input, [I].
        enter, enter_bias: First convolution, [6 I, C] and [C].
        inner, inner_bias, outer, outer_bias: Of each layer, [L, 3 C, C], [L, C], [L, C, C], [L, C].
        head, head_bias: [C, 4 + N], [4 + N].
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
        """Logits of all pairs of frames at once: [T, I] with T even -> [T / 2, 4 + N]."""
        pairs = ((x - self.mean) * self.scale).reshape(len(x) // 2, -1)
        y = np.maximum(_taps(pairs, 1, causal) @ self.enter + self.enter_bias, 0)
        for layer in range(len(self.inner)):
            hidden = np.maximum(_taps(y, 2**layer, causal) @ self.inner[layer] + self.inner_bias[layer], 0)
            y = y + hidden @ self.outer[layer] + self.outer_bias[layer]
        return np.maximum(y, 0) @ self.head + self.head_bias

    @property
    def reach(self) -> int:
        """Frames that an output sees to one side (of a network that hears both ways)."""
        return 2 ** (len(self.inner) + 1)


class LiveNetwork:
    """A causal network fed frame by frame; remembers what its taps reach back to."""

    def __init__(self, weights: Convolutions) -> None:
        self._weights = weights
        sizes = [2 * len(weights.mean), *[weights.outer.shape[-1]] * len(weights.inner)]
        spans = [1, *(2**layer for layer in range(len(weights.inner)))]
        self._rings = [np.zeros((2 * d + 1, size), np.float32) for d, size in zip(spans, sizes, strict=True)]
        self._spans, self._pair, self._half = spans, -1, np.zeros(0, np.float32)
        unknown = np.full(len(TEMPI), 1 / len(TEMPI), np.float32)
        self._answers = [(np.zeros(2, np.float32), unknown)] * 2  # of the two frames of a pair

    def step(self, x: Array) -> tuple[Array, Array]:
        """The next frame's input [I] -> P(beat) and P(downbeat), [2], and shares of `TEMPI`, [48].

        Every second frame completes a pair; the answer on its second frame waits for the call that follows.
        """
        x = (x - self._weights.mean) * self._weights.scale
        if not len(self._half):
            self._half = x
            return self._answers[1]
        logits = self._run(np.concatenate((self._half, x)))
        self._half = x[:0]
        marks, tempo = _sigmoid(logits[:_MARKS]), _softmax(logits[_MARKS:])
        self._answers = [(marks[:2], tempo), (marks[2:], tempo)]
        return self._answers[0]

    def _run(self, pair: Array) -> Array:
        w = self._weights
        self._pair += 1
        y = np.maximum(self._past(0, pair) @ w.enter + w.enter_bias, 0)
        for layer in range(len(w.inner)):
            hidden = np.maximum(self._past(layer + 1, y) @ w.inner[layer] + w.inner_bias[layer], 0)
            y = y + hidden @ w.outer[layer] + w.outer_bias[layer]
        return np.maximum(y, 0) @ w.head + w.head_bias

    def _past(self, index: int, x: Array) -> Array:
        """A layer's input now and at its two earlier taps, oldest first, [3 I]."""
        ring, span, t = self._rings[index], self._spans[index], self._pair
        size = 2 * span + 1
        ring[t % size] = x
        return np.concatenate((ring[(t + 1) % size], ring[(t - span) % size], x))


class BeatNetwork:
    """P(beat), P(downbeat) and tempo per frame.

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

    def live(self, x: Array) -> Activation:
        """What `listen().step` says of every frame: `spectrum_input` [T, I] -> T frames, lagging by `delay`."""
        logits = self._live.whole(_even(x), causal=True)
        said = _activation(logits, 2 * len(logits))
        unknown = np.full((1, len(TEMPI)), 1 / len(TEMPI), np.float32)
        marks, tempo = np.pad(said.marks, ((1, 0), (0, 0))), np.concatenate([unknown, said.tempo[:]])
        return Activation(marks[: len(x)], tempo[: len(x)])

    def whole(self, x: Array | SpectrumRows) -> Activation:
        """What is heard at every frame of a song, heard forwards and backwards.

        Args:
            x: `spectrum_input` of the song, [T, I], or what gives rows of it.
        """
        reach, count = self._whole.reach, len(x)
        marks, tempo = np.empty((count, 2), np.float32), np.empty((-(-count // 2), len(TEMPI)), np.float32)
        for at in range(0, count, _PIECE):
            begin = max(0, at - reach)
            seen = _even(x[begin : at + _PIECE + reach])  # only the last piece may be odd
            logits = self._whole.whole(seen, causal=False)[(at - begin) // 2 : (at - begin + _PIECE) // 2]
            marks[at : at + _PIECE] = _marks(logits, min(_PIECE, count - at))
            tempo[at // 2 : at // 2 + len(logits)] = _softmax(logits[:, _MARKS:])
        return Activation(marks, TwiceTold(tempo, count))


def _even(x: Array) -> Array:
    """Frames [T, I] in whole pairs: the last is repeated if it stands alone."""
    return np.concatenate([x, x[-1:]]) if len(x) % 2 else x


def _activation(logits: Array, count: int) -> Activation:
    return Activation(_marks(logits, count), np.repeat(_softmax(logits[:, _MARKS:]), 2, axis=0)[:count])


def _marks(logits: Array, count: int) -> Array:
    return _sigmoid(logits[:, :_MARKS]).reshape(-1, 2)[:count]


def _softmax(x: Array) -> Array:
    power = np.exp(x - x.max(axis=-1, keepdims=True))
    return power / power.sum(axis=-1, keepdims=True)


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
