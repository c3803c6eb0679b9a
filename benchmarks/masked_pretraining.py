"""Does masked pre-training help to fill in every 15th frame? Trained on one feature folder, measured on its test split.

    OMP_NUM_THREADS=1 python benchmarks/masked_pretraining.py DATA [--steps 900] [--seeds 3] [--arms scratch frames ...]

Every arm takes the same number of optimiser steps in all; `scratch` spends them on the pattern that is measured, the others spend
two thirds on other masks first. DATA needs the feature rotmat: farandole prepare folder SRC -o DATA --motion rotmat --fps 30.
Errors are those of hidden frames: mean distance of joints, mean difference of joint velocities. Beside them those of slerp.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.checkpoints.weights import load_model
from farandole.data.feature_folder import FeatureFolder
from farandole.data.masking import Masking
from farandole.models.objectives.masking_objective import MaskingOptions
from farandole.models.objectives.objective import Draw
from farandole.training.data.stream_windows import in_order
from farandole.training.recipe import make_data, objective_of, read_values
from farandole.training.run import train

FRAMES = 46
WHOLE = {"shortest": FRAMES, "longest": FRAMES}
EVERY = {"pattern": "every", "every": 15, "zero": 1.0, "replace": 0.0, **WHOLE}
FIRST: dict[str, list[dict[str, Any]]] = {
    "frames": [{"pattern": "frames", "share": 0.15, "shortest": FRAMES // 2}],
    "spans": [{"pattern": "spans", "share": 0.5, "least": 5, "most": 30, "zero": 0.9, "replace": 0.05, **WHOLE}],
    "ladder": [{**EVERY, "every": 5}, {**EVERY, "every": 10}],
}
MEASURED = ("position", "velocity", "slerp_position", "slerp_velocity")


def recipe(arm: str, steps: int, seed: int, preset: str, lr: float) -> dict[str, Any]:
    """The run of an arm."""
    falling = {"kind": "cosine", "warmup": 20, "floor": 0.02}
    first = 0 if arm == "scratch" else 2 * steps // 3
    stages: list[dict[str, Any]] = [{"steps": steps - first, "lr": lr, "mask": EVERY, "schedule": falling}]
    if first:
        rising = {"kind": "constant", "warmup": 20}
        masks = FIRST[arm]
        stages[:0] = [{"steps": first // len(masks), "lr": lr, "mask": m, "schedule": rising} for m in masks]
    encoder = {"layers": 2, "dim": 96, "heads": 8, "inner": 192, "dropout": 0.0, "attention_dropout": 0.0}
    config: dict[str, Any] = {"encoder": encoder, "hidden": 96}
    quirks = preset == "dancebert"
    if quirks:
        config |= {"inlet": "linear", "window_norm": "none"}
    loss = {"position": 0.0, "velocity": 0.0} if quirks else {}
    return {
        "model": "motionbert",
        "preset": preset,
        "features": {"motion": "rotmat"},
        "dims": "data",
        "config": config,
        "windows": {"frames": FRAMES},
        "training": {
            "batch_size": 16,
            "ema": 0.99,
            "seed": seed,
            "validate_every": 10 * steps,
            "stages": stages,
        },
        "objective": loss,
        "trainer": {"accelerator": "cpu"},
    }


def measure(run: Path, values: dict[str, Any], corpus: FeatureFolder) -> dict[str, float]:
    """Errors of the hidden frames over the test split, cm and cm per frame."""
    made = read_values({**values, "objective": {}}, corpus)  # whatever it was trained for
    model = load_model(find_checkpoint(run))
    data: Any = make_data(made, model, corpus)
    windows = data.windows("test")
    objective = objective_of(made.model)(model, made.objective, data.facts())
    stage, batches = MaskingOptions(Masking(**EVERY)), in_order(windows, range(len(windows)), 64)
    sums, count = dict.fromkeys(MEASURED, 0.0), 0
    with torch.inference_mode():
        for number in range(len(batches)):
            batch = batches[number]
            losses = objective.losses(model, batch, stage, Draw(0, number, held_out=True))
            size = len(batch["out_motion"])
            count += size
            for name in MEASURED:
                sums[name] += 100 * size * losses[name].item()
    return {name: value / count for name, value in sums.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--preset", choices=("small", "dancebert"), default="small")
    parser.add_argument("--arms", nargs="+", choices=("scratch", *FIRST), default=["scratch", "frames", "spans"])
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus, rows = FeatureFolder(options.data), []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for arm in options.arms:
            values = recipe(arm, options.steps, seed, options.preset, options.lr)
            begin = time.process_time()
            with TemporaryDirectory() as folder:
                train(values, options.data, Path(folder) / "run")
                row = {"arm": arm, "seed": seed, **measure(Path(folder) / "run", values, corpus)}
            row["cpu_s"] = time.process_time() - begin
            rows.append(row)
            print(json.dumps(row), flush=True)
            if options.out:
                options.out.write_text(
                    json.dumps({"steps": options.steps, "preset": options.preset, "rows": rows}, indent=1)
                )
    first = f"first {2 * options.steps // 3} of {options.steps} steps"
    print(f"\n| {first} | joints, cm | velocity, cm per frame | CPU s |\n|---|---|---|---|")
    for arm in options.arms:
        mine = [r for r in rows if r["arm"] == arm]
        told = [f"{np.mean([r[k] for r in mine]):.3f} ± {np.std([r[k] for r in mine]):.3f}" for k in MEASURED[:2]]
        print(f"| {arm} | {' | '.join(told)} | {np.mean([r['cpu_s'] for r in mine]):.0f} |")
    print(f"| (slerp) | {rows[0]['slerp_position']:.3f} | {rows[0]['slerp_velocity']:.3f} | |")


if __name__ == "__main__":
    main()
