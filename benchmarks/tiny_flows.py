"""What the tiny recipes of the flow family learn in minutes on a processor: prepares, trains, measures on unseen recordings.

    OMP_NUM_THREADS=1 python benchmarks/tiny_flows.py RECORDINGS [-o FOLDER] [--fps 25] [--models moglow ...] [--write PAGE]

RECORDINGS is a folder of motions and sounds of the same names (`farandole prepare folder`); splits are by whole recordings. A run
that is already in FOLDER is measured again and not repeated. Times are wall and processor time of `farandole train` as a whole.

The yardstick is a Gaussian random walk, x[t] = x[t-1] + N(0, diag v), with v the mean squared step of each column in the training
recordings (maximum likelihood). It is measured on the same frames as the models: of every `stride`-th window of the held-out
recordings, all frames the model predicts; in the same standardised columns, those that vary in the training recordings at all.
A model's density of several frames given the past, and the walk's, are both divided by frames and columns. The deterministic
model is compared with the walk's mean (the last known pose, held) by the mean squared error of the same frames and columns.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.weights import load_model
from farandole.data.feature_folder import FeatureFolder
from farandole.data.windows import scale
from farandole.models.base import MotionModel
from farandole.models.registry import model_names, model_type
from farandole.training.data.stream_windows import StreamSettings, StreamWindows, in_order

BEGIN, END = "<!-- tiny flows: written by benchmarks/tiny_flows.py -->", "<!-- end of tiny flows -->"
Figures = dict[str, Any]


def run(*words: object) -> tuple[float, float]:
    """Run a farandole command; wall and processor time in s."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", "farandole", *map(str, words)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def trained(name: str, data: Path, folder: Path) -> Path:
    """The run of a tiny recipe, made if it is not there; its times lie beside it."""
    target, times = folder / f"tiny_{name}", folder / f"tiny_{name}" / "times.json"
    if not times.is_file():
        print(f"training flow/tiny/{name}", flush=True)
        load = os.getloadavg()[0]
        wall, cpu = run("train", f"flow/tiny/{name}", "--data", data, "-o", target, "--force", "--quiet")
        times.write_text(json.dumps({"wall_s": wall, "cpu_s": cpu, "load": (load + os.getloadavg()[0]) / 2}))
    return target


def walk_steps(corpus: FeatureFolder, feature: str, columns: list[int]) -> np.ndarray:
    """Mean squared step of standardised columns over the training recordings, [K]."""
    scaler, steps = corpus.scaler(feature), []
    for name in corpus.split("train"):
        steps.append(np.diff(scale(corpus.load(name, feature), scaler, "standard")[:, columns], axis=0))
    return np.square(np.concatenate(steps)).mean(axis=0)


@torch.no_grad()
def measure(model: MotionModel, corpus: FeatureFolder, features: dict[str, str], split: str, stride: int) -> Figures:
    """Model and random walk on the windows of a split: nats per dimension (or squared error), and what was counted."""
    signal = model.mean.signal if hasattr(model, "mean") and hasattr(model.mean, "signal") else model.signal
    moving = list(range(signal.dim)) if signal.moving is None else signal.moving.tolist()
    variance = torch.from_numpy(walk_steps(corpus, features["motion"], moving)).float()
    windows = StreamWindows(corpus, model, features, StreamSettings(), 0).windows(split)
    sums = {"model": 0.0, "walk": 0.0, "frames": 0}
    batches = in_order(windows, range(0, len(windows), stride), 64)
    for number in range(len(batches)):
        batch = batches[number]
        inputs = {k.removeprefix("in_"): v for k, v in batch.items() if k.startswith("in_")}
        target = batch[f"out_{model.target.name}"]
        last = inputs["motion"][:, model.target.offset - 1 : model.target.offset]
        poses = torch.cat((last, target), dim=1)[..., moving]
        if hasattr(model, "log_prob"):
            steps = poses.diff(dim=1)
            walk = 0.5 * (steps.square() / variance + variance.log() + math.log(2 * math.pi))
            sums["model"] -= model.log_prob(inputs, target).sum().item()
        else:
            walk = (poses[:, 1:] - poses[:, :1]).square()
            sums["model"] += (model.mean(inputs) - target)[..., moving].square().sum().item()
        sums["walk"] += walk.sum().item()
        sums["frames"] += target.shape[0] * target.shape[1]
    per = sums["frames"] * len(moving)
    return {"model": sums["model"] / per, "walk": sums["walk"] / per, "frames": sums["frames"], "columns": len(moving)}


def curve(folder: Path, name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a scalar in a run's logs."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    versions = sorted((folder / "logs").glob("version_*"), key=lambda p: int(p.name.split("_")[1]))
    log = EventAccumulator(str(versions[-1])).Reload()
    events = log.Scalars(name)
    return [e.step for e in events], [e.value for e in events]


def figures(name: str, corpus: FeatureFolder, folder: Path) -> Figures:
    """All that the table says of a run."""
    told = find_checkpoint(folder).config
    model, stride = load_model(find_checkpoint(folder)), told.recipe["windows"]["stride"]
    density = hasattr(model, "log_prob")
    steps, held_out = curve(folder, "held_out/bits_per_dimension" if density else "held_out/mse")
    counted = {split: measure(model, corpus, told.features, split, stride) for split in ("val", "test")}
    unit = math.log(2) if density else 1.0  # bits to nats
    return {
        "name": name,
        "density": density,
        "parameters": sum(p.numel() for p in model.parameters()),
        "epochs": len(steps),
        "epoch_steps": steps[0] + 1,
        "first": held_out[0] * unit,
        "best": min(held_out) * unit,
        "kept_steps": told.steps,
        "steps": told.recipe["training"]["steps"],
        **{f"{split}_{k}": v for split, values in counted.items() for k, v in values.items()},
        **json.loads((folder / "times.json").read_text()),
    }


def table(rows: list[Figures]) -> str:
    """Markdown."""
    lines = [
        "| recipe | parameters | steps (per epoch) | minutes of one core | wall, at load | val: epoch 1 | val: kept | val: walk | "
        "test: kept | test: walk | better than walk |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in rows:
        gain = r["test_walk"] - r["test_model"]
        better = (
            f"{gain:.2f} nats ({gain / math.log(2):.2f} bits)"
            if r["density"]
            else f"{1 - r['test_model'] / r['test_walk']:.0%}"
        )
        cells = [
            f"flow/tiny/{r['name']}" + ("" if r["density"] else " (squared error)"),
            f"{r['parameters'] / 1e6:.2f} M",
            f"{r['steps']} ({r['epoch_steps']})",
            f"{r['cpu_s'] / 60:.1f}",
            f"{r['wall_s'] / 60:.1f}, {r['load']:.0f}",
            *(f"{r[k]:.3f}" for k in ("first", "val_model", "val_walk", "test_model", "test_walk")),
            better,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_section(path: Path, text: str) -> None:
    """Replace the part of a page between BEGIN and END, or add it at the end."""
    page = path.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2] if rest else ""
    path.write_text(f"{before.rstrip()}\n\n{BEGIN}\n{text}{END}\n{after.lstrip()}", encoding="utf-8")


def section(rows: list[Figures], corpus: FeatureFolder, recordings: str) -> str:
    """What stands in docs/results.md."""
    frames = {s: sum(corpus.sequences[n]["frames"] for n in corpus.split(s)) for s in ("train", "val", "test")}
    counted = " or ".join(str(n) for n in sorted({r["test_frames"] for r in rows}))
    unseen = f"test, {frames['test']} frames, by stride and overlap predicted {counted} times"
    seen = f"{len(corpus.split('train'))} recordings to train on ({frames['train']} frames)"
    chosen = f"{len(corpus.split('val'))} to choose weights by (val, {frames['val']} frames)"
    new = f"{len(corpus.split('test'))} never looked at ({unseen})"
    columns = f"{rows[0]['test_columns']} of {len(corpus.features['expmap_cr'])}"
    return (
        "\n## Tiny recipes of the flow family\n\n"
        "Held-out negative log-likelihood in nats per dimension (for the deterministic transformer: mean squared error), lower is "
        f"better, on {recordings} at {corpus.fps:g} fps: {seen}, {chosen}, {new}. The walk is a Gaussian random walk fitted to the "
        f"training recordings; frames, standardisation and columns ({columns}: the others never vary, and would have an infinite "
        "density) are the same for both. An epoch is as many windows as the recipe's stride says. One thread; the wall time is "
        "that of a machine shared with other work, at the load average that stands beside it.\n\n"
        f"    OMP_NUM_THREADS=1 python benchmarks/tiny_flows.py RECORDINGS --write docs/results.md\n\n{table(rows)}\n"
    )


def main() -> None:
    models = [name for name in model_names() if issubclass(model_type(name), MotionModel)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, help="folder of motions and sounds")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/tiny_flows"), help="data and runs")
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--models", nargs="+", default=models, choices=models)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the section of this Markdown page")
    options = parser.parse_args()
    data = options.output / "data"
    if not FeatureFolder.is_one(data):
        words = ("--motion", "expmap_cr", "--music", "transflower", "--fps", options.fps, "--workers", 1, "--quiet")
        run("prepare", "folder", options.recordings, "-o", data, *words)
    corpus, rows = FeatureFolder(data), []
    for name in options.models:
        rows.append(figures(name, corpus, trained(name, data, options.output)))
        print(json.dumps(rows[-1]), flush=True)
    print(table(rows))
    if options.write:
        write_section(options.write, section(rows, corpus, options.recordings.name))


if __name__ == "__main__":
    main()
