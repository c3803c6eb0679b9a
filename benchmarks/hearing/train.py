"""Trains the beat networks on synthesised songs (kinds that are not held out, and kinds drawn by rule) and writes their weights.

    python benchmarks/hearing/train.py [--songs 12] [--invented 300] [--steps 3600] [--stop 3600] [--cache FOLDER] [-o FILE]

One thread. The songs are made once and kept in the cache folder. Two networks of one form: one hears the past only, for
live use, the other hears both ways. `--half` multiplies in bfloat16, twice as fast on processors that can.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path

import numpy as np
import torch
from corpus import FPS, HeardSong, heard_songs, targets, varied
from invented import invented_kinds
from songs import training_kinds
from torch import nn
from torch.nn import functional

from farandole.music.activation.network import TEMPI
from farandole.music.activation.spectrum import with_rises

SECONDS, DELAY_PAIRS = 24.0, 2
CHANNELS, LAYERS, BATCH = 48, 9, 4
PER_KIND = 2  # songs of each kind drawn by rule
AVERAGE = 0.998  # the weights written are a running mean
SKIPPED = 15  # pairs at the start, of which nothing is asked
TEMPO_WEIGHT = 0.2


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
    songs: list[HeardSong], *, steps: int, stop: int, rate: float, seed: int, half: bool, out: Path, note: dict
) -> None:
    """Both networks on the same batches, to step `stop` of a schedule of `steps`; written every 250 steps."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    sample = np.concatenate([with_rises(song.level.astype(np.float32))[::41] for song in songs[::3]])
    scales = torch.tensor(sample.mean(0)), torch.tensor(sample.std(0) + 0.05)
    networks = {"live": Network(*scales, causal=True), "whole": Network(*scales, causal=False)}
    means = copy.deepcopy(networks)
    for network in means.values():
        network.eval()
    held = np.arange(len(songs)) % 31 == 7
    known, kept = np.flatnonzero(~held), np.flatnonzero(held)
    weights = [p for network in networks.values() for p in network.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-5, weight_decay=1e-3)
    begun, losses = time.time(), []

    def batch(chosen: np.ndarray, *, vary: bool) -> list[torch.Tensor]:
        rows = []
        for k in chosen:
            song = songs[k]
            level, beats = song.level.astype(np.float32), song.beats
            if vary:
                level, beats = varied(song, songs[rng.choice(known)], rng)
            even = len(level) // 2 * 2
            rows.append((with_rises(level[:even]), *targets(beats, song.downbeats, even)))
        return [torch.tensor(np.stack(arrays)) for arrays in zip(*rows, strict=True)]

    checked = batch(kept, vary=False)
    order: list[int] = []
    for step in range(1, stop + 1):
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, step / 100) * (0.51 + 0.49 * np.cos(np.pi * step / steps))
        if len(order) < BATCH:
            order = rng.permutation(known).tolist()
        chosen, order = np.array(order[:BATCH]), order[BATCH:]
        data = batch(chosen, vary=True)
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = [network(data[0]) for network in networks.values()]
        parts = [objective(o.float(), n.causal, *data[1:]) for o, n in zip(outputs, networks.values(), strict=True)]
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
        if step % 250 == 0 or step == stop:
            with torch.no_grad():
                checks = [float(objective(n(checked[0]), n.causal, *checked[1:])) for n in means.values()]
            shown = [f"{v:.4f}" for v in (*np.mean(losses[-250:], axis=0), *checks)]
            print(
                f"step {step} {time.time() - begun:.0f} s, live and whole: known {shown[:2]}, kept {shown[2:]}",
                flush=True,
            )
            write(means, out, {**note, "steps": step})


def objective(logits: torch.Tensor, causal: bool, marks: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Cross entropy of beats, downbeats (rare: they count twice) and tempi. A live network answers `DELAY_PAIRS` late."""
    marks = marks.reshape(marks.shape[0], marks.shape[1] // 2, 4)
    if causal:
        logits, marks, shares = logits[:, DELAY_PAIRS:], marks[:, :-DELAY_PAIRS], shares[:, :-DELAY_PAIRS]
    logits, marks, shares = logits[:, SKIPPED:], marks[:, SKIPPED:], shares[:, SKIPPED:]
    loss = functional.binary_cross_entropy_with_logits(logits[..., :4], marks, reduction="none")
    tempo = -(shares * functional.log_softmax(logits[..., 4:], dim=-1)).sum() / (shares.sum() + 1)
    return 10 * (loss * torch.tensor([1.0, 2.0, 1.0, 2.0])).mean() + TEMPO_WEIGHT * tempo


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
    parser.add_argument("--songs", type=int, default=12, help="of each kind of kinds.yaml")
    parser.add_argument("--invented", type=int, default=300, help="kinds drawn by rule")
    parser.add_argument("--steps", type=int, default=3600, help="over which the rate falls")
    parser.add_argument("--stop", type=int, help="step to stop at; the last one by default")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--half", action="store_true", help="multiply in bfloat16")
    parser.add_argument("--cache", type=Path, default=Path("build/hearing"))
    parser.add_argument("-o", "--out", type=Path, default=Path("src/farandole/music/activation/weights.npz"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    heard = heard_songs(training_kinds(), options.songs, SECONDS, 10_000, options.cache)
    heard += heard_songs(invented_kinds(options.invented), PER_KIND, SECONDS, 10_000, options.cache)
    note = {
        "made_by": "benchmarks/hearing/train.py",
        "data": f"{len(heard)} songs of {SECONDS:g} s synthesised by benchmarks/hearing/songs.py ({len(training_kinds())} kinds of "
        f"kinds.yaml, {options.invented} drawn by invented.py, seeds from 10000), no recordings",
        "licence": "as farandole",
    }
    chosen = {name: getattr(options, name) for name in ("steps", "rate", "seed", "half", "out")}
    train(heard, note=note, stop=options.stop or options.steps, **chosen)


if __name__ == "__main__":
    main()
