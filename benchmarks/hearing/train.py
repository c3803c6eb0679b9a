"""Trains the beat networks on synthesised songs (kinds that are not held out, and kinds drawn by rule) and writes their weights.

    python benchmarks/hearing/train.py [--songs 300] [--fresh 4] [--minutes 60] [--start WEIGHTS] [--cache FOLDER] [-o FILE]

One thread. It begins with `--songs` songs, and another joins every `--fresh` steps; each is kept in the cache folder. Two
networks of one form: one hears the past only, for live use, the other hears both ways.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import torch
from corpus import FPS, HeardSong, SongStream, targets, varied
from torch import nn
from torch.nn import functional

from farandole.music.activation.network import TEMPI
from farandole.music.activation.spectrum import with_rises

SECONDS, DELAY_PAIRS = 24.0, 2
CHANNELS, LAYERS, BATCH = 64, 9, 4
KEPT = 60  # songs that are only listened to
AVERAGE = 0.998  # the weights written are a running mean
SKIPPED = 15  # pairs at the start, of which nothing is asked
TEMPO_WEIGHT = 0.4


class Network(nn.Module):
    """The layers of farandole.music.activation.network.Convolutions in torch."""

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.register_buffer("mean", mean)
        self.register_buffer("scale", 1 / deviation)
        self.enter = nn.Linear(6 * len(mean), CHANNELS)
        self.inner = nn.ModuleList(nn.Linear(3 * CHANNELS, CHANNELS) for _ in range(LAYERS))
        self.outer = nn.ModuleList(nn.Linear(CHANNELS, CHANNELS) for _ in range(LAYERS))
        self.head = nn.Linear(CHANNELS, 4 + len(TEMPI))
        for layer in self.outer:
            layer.weight.data *= 0.5
        self.head.bias.data[:4] = torch.tensor([-3.5, -4.5, -3.5, -4.5])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input [N, T, I] -> of each pair of frames P(beat) and P(downbeat) twice, and the tempi, logits [N, T / 2, 4 + N]."""
        x = (x - self.mean) * self.scale
        x = x.reshape(x.shape[0], x.shape[1] // 2, -1)
        y = functional.relu(self.enter(self.taps(x, 1)))
        for index, (inner, outer) in enumerate(zip(self.inner, self.outer, strict=True)):
            hidden = functional.relu(inner(self.taps(y, 2**index)))
            y = y + outer(functional.dropout(hidden, 0.1, self.training))
        return self.head(functional.relu(y))

    def taps(self, x: torch.Tensor, span: int) -> torch.Tensor:
        """Three rows `span` apart, ending at or about each."""
        padded = functional.pad(x, (0, 0, *((2 * span, 0) if self.causal else (span, span))))
        return torch.cat([padded[:, k * span : k * span + x.shape[1]] for k in range(3)], dim=-1)


def train(
    stream: SongStream, kept: list[HeardSong], *, songs: int, fresh: int, minutes: float, rate: float, seed: int,
    start: Path | None, out: Path, note: dict
) -> None:  # fmt: skip
    """Both networks on the same batches, for so many minutes, over which the rate falls; written every 500 steps."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    sample = np.concatenate([with_rises(song.level.astype(np.float32))[::11] for song in kept])
    scales = torch.tensor(sample.mean(0)), torch.tensor(sample.std(0) + 0.05)
    networks = {"live": Network(*scales, causal=True), "whole": Network(*scales, causal=False)}
    if start is not None:
        for name, network in networks.items():
            read(network, name, start)
    means = copy.deepcopy(networks)
    for network in means.values():
        network.eval()
    weights = [p for network in networks.values() for p in network.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-5, weight_decay=1e-3)
    heard = [stream[index] for index in range(songs)]
    begun, losses = time.time(), []

    def batch(chosen: list[HeardSong], *, vary: bool) -> list[torch.Tensor]:
        rows = []
        for song in chosen:
            level, beats, downbeats = song.level.astype(np.float32), song.beats, song.downbeats
            if vary:
                level, beats, downbeats = varied(song, heard[rng.integers(len(heard))], rng)
            even = len(level) // 2 * 2
            rows.append((with_rises(level[:even]), *targets(beats, downbeats, even)))
        return [torch.tensor(np.stack(arrays)) for arrays in zip(*rows, strict=True)]

    def check() -> list[float]:
        """Loss on the songs kept."""
        sums = np.zeros(2)
        with torch.no_grad():
            for at in range(0, len(kept), BATCH):
                data = batch(kept[at : at + BATCH], vary=False)
                sums += [float(objective(n(data[0]), n.causal, *data[1:])) for n in means.values()]
        return (sums / (len(kept) / BATCH)).tolist()

    order: list[int] = []
    step = spent = 0
    while spent < 1:
        step += 1
        spent = (time.time() - begun) / (60 * minutes)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, step / 100) * (0.505 + 0.495 * np.cos(np.pi * min(1.0, spent)))
        if step % fresh == 0:
            heard.append(stream[len(heard)])
        if len(order) < BATCH:
            order = rng.permutation(len(heard)).tolist()
        chosen, order = order[:BATCH], order[BATCH:]
        data = batch([heard[k] for k in chosen], vary=True)
        optimiser.zero_grad()
        outputs = [network(data[0]) for network in networks.values()]
        parts = [objective(o, n.causal, *data[1:]) for o, n in zip(outputs, networks.values(), strict=True)]
        sum(parts).backward()
        for network in networks.values():
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        keep = min(AVERAGE, step / (step + 20))
        with torch.no_grad():
            for name, network in networks.items():
                for mean, value in zip(means[name].parameters(), network.parameters(), strict=True):
                    mean.lerp_(value, 1 - keep)
        losses.append([float(part.detach()) for part in parts])
        if step % 500 == 0 or step == 1 or spent >= 1:
            shown = [f"{v:.4f}" for v in (*np.mean(losses[-500:], axis=0), *check())]
            print(
                f"step {step} {time.time() - begun:.0f} s, {len(heard)} songs, live and whole: heard {shown[:2]}, kept {shown[2:]}",
                flush=True,
            )
            data = f"{len(heard)} {note['data']}"
            write(means, out, {**note, "data": data, "steps": step})


def objective(logits: torch.Tensor, causal: bool, marks: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Cross entropy of beats, downbeats (rare: they count twice) and tempi. A live network answers `DELAY_PAIRS` late."""
    marks = marks.reshape(marks.shape[0], marks.shape[1] // 2, 4)
    if causal:
        logits, marks, shares = logits[:, DELAY_PAIRS:], marks[:, :-DELAY_PAIRS], shares[:, :-DELAY_PAIRS]
    logits, marks, shares = logits[:, SKIPPED:], marks[:, SKIPPED:], shares[:, SKIPPED:]
    loss = functional.binary_cross_entropy_with_logits(logits[..., :4], marks, reduction="none")
    tempo = -(shares * functional.log_softmax(logits[..., 4:], dim=-1)).sum() / (shares.sum() + 1)
    return 10 * (loss * torch.tensor([1.0, 2.0, 1.0, 2.0])).mean() + TEMPO_WEIGHT * tempo


def read(network: Network, name: str, path: Path) -> None:
    """Weights of a file that `write` wrote, into a network that may be wider: new channels are heard by none at first."""
    with np.load(path, allow_pickle=False) as stored, torch.no_grad():
        get = lambda field: torch.tensor(stored[f"{name}_{field}"].astype(np.float32))  # noqa: E731
        network.mean.copy_(get("mean"))
        network.scale.copy_(get("scale"))
        wide, width = CHANNELS, len(get("enter_bias"))
        taps = torch.cat([torch.arange(width) + k * wide for k in range(3)])
        _into(network.enter, get("enter").T, get("enter_bias"), torch.arange(network.enter.in_features))
        _into(network.head, get("head").T, get("head_bias"), torch.arange(width))
        for layer, weight, bias in zip(network.inner, get("inner"), get("inner_bias"), strict=True):
            _into(layer, weight.T, bias, taps)
        for layer, weight, bias in zip(network.outer, get("outer"), get("outer_bias"), strict=True):
            _into(layer, weight.T, bias, torch.arange(width))


def _into(layer: nn.Linear, weight: torch.Tensor, bias: torch.Tensor, inputs: torch.Tensor) -> None:
    """The first outputs of a layer from a narrower one's weights [O, I], whose inputs are some of this one's."""
    count = len(bias)
    layer.weight[:count] = 0
    layer.weight[:count, inputs] = weight
    layer.bias[:count] = bias


def write(networks: dict[str, Network], path: Path, note: dict) -> None:
    """Weights as float16 arrays, with their provenance as JSON."""
    packed = {}
    for name, network in networks.items():
        stack = lambda layers, what: torch.stack([what(layer) for layer in layers])  # noqa: E731
        arrays = {
            "mean": network.mean, "scale": network.scale, "enter": network.enter.weight.T, "enter_bias": network.enter.bias,
            "inner": stack(network.inner, lambda m: m.weight.T), "inner_bias": stack(network.inner, lambda m: m.bias),
            "outer": stack(network.outer, lambda m: m.weight.T), "outer_bias": stack(network.outer, lambda m: m.bias),
            "head": network.head.weight.T, "head_bias": network.head.bias,
        }  # fmt: skip
        packed |= {
            f"{name}_{k}": np.ascontiguousarray(v.detach().numpy()).astype(np.float16) for k, v in arrays.items()
        }
    told = {"delay": 2 * DELAY_PAIRS + 1, "fps": FPS, **note}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, provenance=np.array(json.dumps(told)), **packed)
    part.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=300, help="at the start")
    parser.add_argument("--fresh", type=int, default=4, help="steps until another song joins")
    parser.add_argument("--minutes", type=float, default=60, help="over which the rate falls, then it ends")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--cache", type=Path, default=Path("build/hearing"))
    parser.add_argument("-o", "--out", type=Path, default=Path("src/farandole/music/activation/weights.npz"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    stream = SongStream(options.cache, SECONDS, 10_000)
    rest = SongStream(options.cache, SECONDS, 60_000, rule_seed=43)
    kept = [rest[index] for index in range(KEPT)]
    note = {
        "made_by": "benchmarks/hearing/train.py",
        "data": f"songs of {SECONDS:g} s synthesised by benchmarks/hearing/songs.py (a third of the kinds of kinds.yaml that are "
        "not held out, two thirds each of a kind drawn by invented.py, seeds from 10000), no recordings",
        "licence": "as farandole",
    }
    if options.start is not None:
        with np.load(options.start) as stored:
            before = json.loads(str(stored["provenance"]))
        note["began_with"] = f"weights of {before['steps']} steps: {before['data']}"
    chosen = {name: getattr(options, name) for name in ("songs", "fresh", "minutes", "rate", "seed", "start", "out")}
    train(stream, kept, note=note, **chosen)


if __name__ == "__main__":
    main()
