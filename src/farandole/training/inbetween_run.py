"""`farandole train` for in-between models: a recipe and a feature folder to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader

from farandole._memory import keep_all_freed_memory
from farandole.data.feature_folder import FeatureFolder
from farandole.models.inbetweener import Inbetweener, InbetweenerConfig
from farandole.models.settings import build, plain
from farandole.motion.gaps import GapCodec
from farandole.motion.interpolation import REACH
from farandole.training.inbetween import InbetweenTask, Weights
from farandole.training.inbetween_data import GapBatches, GapPatterns, deviations, read_motions, style_shares
from farandole.training.run_callbacks import ShowProgress


@dataclass(frozen=True)
class InbetweenRecipe:
    """Everything needed to repeat the training of an in-between model."""

    model: str = "inbetweener"
    """Always that."""
    feature: str = ""
    """Motion feature of the data to read; "": the first one."""
    reach: float = REACH
    """Reach of the curves of the guess that is corrected, s; 0: arcs and straight lines."""
    config: InbetweenerConfig = field(default_factory=InbetweenerConfig)
    patterns: GapPatterns = field(default_factory=GapPatterns)
    weights: Weights = field(default_factory=Weights)
    style_weights: dict[str, float] = field(default_factory=dict)
    """Share of training windows per style; none: windows are as frequent as frames."""
    steps: int = 3000
    """Optimiser steps."""
    batch_size: int = 48
    """Windows per step."""
    lr: float = 1e-3
    """Highest learning rate."""
    ema: float = 0.999
    """Memory of the averaged weights."""
    seed: int = 7
    """Of weights and batches."""
    threads: int = 2
    """CPU threads of torch."""
    terms: str = "Weights may be used as the terms of that data allow."
    """What the model's card says of its use."""


def train_inbetween(
    values: Mapping[str, Any], data: Path, run: Path, *, callbacks: list[Any] | None = None,
    progress: Callable[[int, int], None] | None = None, **trainer: Any,
) -> dict[str, float]:  # fmt: skip
    """Train an in-between model and write `run`/checkpoint (safetensors, ONNX, configuration, card).

    Logs for TensorBoard lie in `run`/logs.

    Args:
        values: The recipe, as read from YAML.
        data: Feature folder with a motion feature that can be decoded.
        run: Folder of the run.
        callbacks: More Lightning callbacks.
        progress: Called with (steps done, steps in all); None: Lightning shows its own bar.
        trainer: More arguments of Lightning's Trainer, e.g. devices, precision.

    Returns:
        Held-out losses by name, of the model and of the straight guess; empty without a held-out split.

    Raises:
        DataError: If the recipe has unknown keys or the data no sequence of sufficient length.
    """
    from farandole.training.inbetween_export import write_inbetween

    recipe = build(InbetweenRecipe, values, "recipe", start=InbetweenRecipe())
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    torch.set_num_threads(recipe.threads)
    corpus = FeatureFolder(data)
    motions, styles = read_motions(corpus, "train", recipe.feature)
    codec = GapCodec.fit(corpus.skeleton, corpus.fps, [q for q, _ in motions], reach=recipe.reach)
    batches = GapBatches(
        motions, style_shares(motions, styles, recipe.style_weights), codec, recipe.patterns,
        batch_size=recipe.batch_size, seed=recipe.seed,
    )  # fmt: skip
    net = Inbetweener(recipe.config, codec.dim, len(codec.skeleton))
    fit_scale(net, batches, recipe.seed)
    spread = torch.from_numpy(deviations(motions, codec)).float().clamp_min(0.01)
    task = InbetweenTask(
        net, codec.skeleton, codec.fps, spread, batches.feet, recipe.weights,
        steps=recipe.steps, lr=recipe.lr, ema=recipe.ema, seed=recipe.seed,
    )  # fmt: skip
    watchers = [*(callbacks or []), *([ShowProgress(progress, recipe.steps)] if progress else [])]
    options = {"callbacks": watchers, "enable_progress_bar": progress is None} | trainer
    results = _fit(task, recipe, batches, _held_out(corpus, codec, recipe), run, options)
    kept = task.average.module.cpu().eval()
    assert isinstance(kept, Inbetweener)
    facts = {
        "fps": codec.fps,
        "window": recipe.patterns.longest,
        "gap": recipe.patterns.longest_gap,
        "codec": codec.to_json(),
        "recipe": plain(recipe),
        "held_out": results,
        "licence": corpus.licence,
    }
    write_inbetween(run / "checkpoint", kept, facts, codec.skeleton)
    return results


@torch.no_grad()
def fit_scale(net: Inbetweener, batches: GapBatches, seed: int, *, count: int = 16) -> None:
    """Set the model's mean and deviation of every feature from some training batches."""
    random = np.random.default_rng([seed, 1])
    x = torch.cat([batches.draw(random)["features"].flatten(0, 1) for _ in range(count)])
    net.mean.copy_(x.mean(dim=0))
    # Columns that hardly change must not be blown up when they do.
    net.std.copy_(x.std(dim=0).clamp_min(0.05))


def _held_out(corpus: FeatureFolder, codec: GapCodec, recipe: InbetweenRecipe) -> GapBatches | None:
    """The validation split, or else the test split, where one is long enough."""
    for split in ("val", "test"):
        names = corpus.split(split)
        if any(corpus.sequences[n]["frames"] >= recipe.patterns.longest for n in names):
            motions, _ = read_motions(corpus, split, recipe.feature)
            return GapBatches(motions, style_shares(motions, [], {}), codec, recipe.patterns, batch_size=64, seed=1)
    return None


def _fit(
    task: InbetweenTask, recipe: InbetweenRecipe, train: GapBatches, held_out: GapBatches | None, run: Path,
    options: dict[str, Any],
) -> dict[str, float]:  # fmt: skip
    from lightning.pytorch.loggers import TensorBoardLogger

    settings: dict[str, Any] = {
        "max_steps": recipe.steps,
        "val_check_interval": min(1000, recipe.steps),
        "limit_val_batches": 8 if held_out else 0,
        "num_sanity_val_steps": 0,
        "gradient_clip_val": 1.0,
        "logger": TensorBoardLogger(run / "logs", name="inbetween"),
        "log_every_n_steps": 25,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "devices": 1,
    }
    keep_all_freed_memory()
    trainer = lightning.Trainer(**(settings | options))
    load = lambda batches: DataLoader(batches, batch_size=None)  # noqa: E731
    trainer.fit(task, load(train), load(held_out) if held_out else None)
    if not held_out:
        return {}
    trainer.validate(task, load(held_out), verbose=False)
    return {k: round(float(v), 5) for k, v in trainer.callback_metrics.items() if "held_out" in k}
