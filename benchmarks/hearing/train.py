"""Trains the beat network on synthesised songs (kinds that are not held out) and writes its weights.

    python benchmarks/hearing/train.py [--songs 26] [--steps 1500] [--rate 0.006] [--start FILE] [--cache FOLDER] [-o FILE]

One thread. The songs are made once and kept in the cache folder. Two networks of one form: one hears the past only, for
live use, the other hears both ways.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from songs import make, training_kinds
from torch import nn
from torch.nn import functional

from farandole.music.activation.spectrum import spectrum_input, with_rises
from farandole.music.onsets import HOP, analyse

RATE, SECONDS, DELAY = 22050, 24.0, 4
FPS = RATE / HOP
CHANNELS, LAYERS, BATCH = 24, 10, 8
PEAK = np.array([0.1, 0.5, 1.0, 0.5, 0.1], np.float32)


class Network(nn.Module):
    """The layers of farandole.music.activation.network.Convolutions in torch."""

    def __init__(self, mean: torch.Tensor, deviation: torch.Tensor, causal: bool) -> None:
        super().__init__()
        self.causal, self.mean, self.scale = causal, mean, 1 / deviation
        self.enter = nn.Linear(3 * len(mean), CHANNELS)
        self.inner = nn.ModuleList(nn.Linear(3 * CHANNELS, CHANNELS) for _ in range(LAYERS))
        self.outer = nn.ModuleList(nn.Linear(CHANNELS, CHANNELS) for _ in range(LAYERS))
        self.head = nn.Linear(CHANNELS, 2)
        for layer in self.outer:
            layer.weight.data *= 0.5
        self.head.bias.data[:] = torch.tensor([-3.5, -4.5])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input [N, T, I] -> logits [N, T, 2]."""
        y = functional.relu(self.enter(self.taps((x - self.mean) * self.scale, 1)))
        for index, (inner, outer) in enumerate(zip(self.inner, self.outer, strict=True)):
            hidden = functional.relu(inner(self.taps(y, 2**index)))
            y = y + outer(functional.dropout(hidden, 0.1, self.training))
        return self.head(functional.relu(y))

    def taps(self, x: torch.Tensor, span: int) -> torch.Tensor:
        """Three rows `span` apart, ending at or about each."""
        padded = functional.pad(x, (0, 0, *((2 * span, 0) if self.causal else (span, span))))
        return torch.cat([padded[:, k * span : k * span + x.shape[1]] for k in range(3)], dim=-1)


def songs(per_kind: int, seed: int, cache: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs float16 [T, 2 B] and targets float16 [T, 2] of all songs, a file of the cache for each kind."""
    inputs, targets = [], []
    cache.mkdir(parents=True, exist_ok=True)
    for kind in training_kinds():
        path = cache / f"{kind.name}_{per_kind}_{seed}.npz"
        if not path.exists():
            made = [make(kind, seed + index, SECONDS) for index in range(per_kind)]
            x = [spectrum_input(analyse([song.samples], RATE).mel, FPS).astype(np.float16) for song in made]
            y = [target(song.beats, song.downbeats, len(x[0])) for song in made]
            np.savez(path, x=np.stack(x), y=np.stack(y))
            print(f"{kind.name}: {per_kind} songs", flush=True)
        with np.load(path) as stored:
            inputs.extend(stored["x"])
            targets.extend(stored["y"])
    return inputs, targets


def target(beats: np.ndarray, downbeats: np.ndarray, count: int) -> np.ndarray:
    """Probabilities by frame, each beat spread a little, float16 [T, 2]."""
    out = np.zeros((count + 8, 2), np.float32)
    for chosen, column in ((np.ones_like(downbeats), 0), (downbeats, 1)):
        for frame in np.round(beats[chosen] * FPS).astype(int):
            at = slice(max(0, frame - 2), frame + 3)
            out[at, column] = np.maximum(out[at, column], PEAK[max(0, 2 - frame) :])
    return out[:count].astype(np.float16)


def train(
    inputs: list[np.ndarray],
    targets: list[np.ndarray],
    *,
    steps: int,
    rate: float,
    start: Path | None,
    seed: int,
    out: Path,
    note: dict,
) -> None:
    """Both networks in turn, on the same batches; written every 100 steps."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    sample = np.concatenate([inputs[k][::37] for k in range(0, len(inputs), 3)]).astype(np.float32)
    scales = torch.tensor(sample.mean(0)), torch.tensor(sample.std(0) + 0.05)
    networks = {"live": Network(*scales, causal=True), "whole": Network(*scales, causal=False)}
    if start is not None:
        read(networks, start)
    held = np.arange(len(inputs)) % 47 == 7
    known, kept = np.flatnonzero(~held), np.flatnonzero(held)
    weights = [p for network in networks.values() for p in network.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=1e-5, weight_decay=1e-3)
    begun, step, losses = time.time(), 0, []

    def batch(chosen: np.ndarray, *, vary: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        others = rng.choice(known, len(chosen))
        pieces = [
            (varied(inputs[k], inputs[j], rng) if vary else inputs[k], targets[k])
            for k, j in zip(chosen, others, strict=True)
        ]
        return tuple(torch.tensor(np.stack(arrays).astype(np.float32)) for arrays in zip(*pieces, strict=True))  # type: ignore[return-value]

    while step < steps:
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * step / steps))
        x, y = batch(rng.choice(known, BATCH, replace=False), vary=True)
        optimiser.zero_grad()
        parts = [objective(network, x, y) for network in networks.values()]
        sum(parts).backward()
        for network in networks.values():
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
        losses.append([float(part.detach()) for part in parts])
        step += 1
        if step % 100 == 0:
            with torch.no_grad():
                for network in networks.values():
                    network.eval()
                x, y = batch(kept)
                checks = [float(objective(network, x, y)) for network in networks.values()]
                for network in networks.values():
                    network.train()
            shown = [f"{v:.4f}" for v in (*np.mean(losses[-100:], axis=0), *checks)]
            print(
                f"step {step} {time.time() - begun:.0f} s, live and whole: known {shown[:2]}, kept {shown[2:]}",
                flush=True,
            )
            write(networks, out, {**note, "steps": note["steps"] + step})
    write(networks, out, {**note, "steps": note["steps"] + step})


def varied(x: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An input as other ears would have it: another song softly beside, attacks made soft, a drawn gain per band.

    Args:
        x, other: Inputs of two songs, [T, 2 B]: levels log(1 + 30 amplitude) and their rises.
    """
    bands = x.shape[1] // 2
    level = x[:, :bands].astype(np.float32)
    if rng.random() < 0.35:
        power = (np.expm1(level) / 30) ** 2 + rng.uniform(0.01, 0.15) * (
            np.expm1(other[:, :bands].astype(np.float32)) / 30
        ) ** 2
        level = np.log1p(30 * np.sqrt(power))
    if rng.random() < 0.35:
        width = int(rng.integers(2, 8))
        total = np.cumsum(np.pad(level, ((width, 0), (0, 0))), axis=0)
        level = (total[width:] - total[:-width]) / width
        late = (width - 1) // 2  # the mean lags by half its width
        level = np.concatenate([level[late:], np.repeat(level[-1:], late, axis=0)])
    if rng.random() < 0.6:
        gain = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), rng.normal(1.0, 0.2, 6)).clip(0.4, 1.6)
        level = level * gain.astype(np.float32)
    return with_rises(level)


def objective(network: Network, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross entropy; downbeats, which are rare, count twice. A live network answers `DELAY` frames late."""
    logits = network(x)
    if network.causal:
        logits, y = logits[:, DELAY:], y[:, :-DELAY]
    loss = functional.binary_cross_entropy_with_logits(logits, y, reduction="none")
    return 10 * (loss * torch.tensor([1.0, 2.0]))[:, 60:].mean()


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
    told = {"delay": DELAY, "fps": FPS, **note}
    np.savez_compressed(path, provenance=np.array(json.dumps(told)), **packed)


def read(networks: dict[str, Network], path: Path) -> None:
    """The inverse of `write`."""
    with np.load(path) as stored:
        for name, network in networks.items():
            get = lambda key, name=name: torch.tensor(stored[f"{name}_{key}"].astype(np.float32))  # noqa: E731
            network.mean, network.scale = get("mean"), get("scale")
            pairs = [(network.enter, get("enter"), get("enter_bias")), (network.head, get("head"), get("head_bias"))]
            for part in ("inner", "outer"):
                pairs += list(zip(getattr(network, part), get(part), get(f"{part}_bias"), strict=True))
            for layer, weight, bias in pairs:
                layer.weight.data, layer.bias.data = weight.T.contiguous(), bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=26, help="of each kind")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=6e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="go on from these weights")
    parser.add_argument("--cache", type=Path, default=Path("build/hearing"))
    parser.add_argument("-o", "--out", type=Path, default=Path("src/farandole/music/activation/weights.npz"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    inputs, targets = songs(options.songs, 10_000, options.cache)
    note = {
        "made_by": "benchmarks/hearing/train.py",
        "data": f"{len(inputs)} songs of {SECONDS:g} s synthesised by benchmarks/hearing/songs.py ({len(training_kinds())} kinds, "
        "seeds from 10000), no recordings",
        "licence": "as farandole",
        "steps": 0,
    }
    if options.start is not None:
        with np.load(options.start) as stored:
            note["steps"] = json.loads(str(stored["provenance"]))["steps"]
    chosen = {name: getattr(options, name) for name in ("steps", "rate", "start", "seed", "out")}
    train(inputs, targets, note=note, **chosen)


if __name__ == "__main__":
    main()
