"""The folder of a run: its recipe, and the states to go on from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from farandole._io import atomic_path
from farandole.errors import CheckpointError, DataError
from farandole.training.recipe import Recipe, difference

if TYPE_CHECKING:
    from farandole.training.data.training_data import TrainingData

SAME = 1e-3
"""Deviations by which statistics may differ and still be the same: preparing on another machine rounds otherwise."""
FIXED = ("model", "preset", "features", "config", "windows", "objective", "start")
"""What cannot change between a run and its continuation; the rest of the training may, but for `optimizer` and `accumulate`."""


class States:
    """States of training in the folder of a run."""

    def __init__(self, run: Path) -> None:
        self.run, self.folder = run, run / "states"
        self.last, self.best, self.recipe = self.folder / "last.ckpt", self.folder / "best.ckpt", run / "recipe.yaml"
        self.numbers = self.folder / "numbers.json"

    def begin(self, recipe: Recipe, data: TrainingData) -> None:
        """A new run: write down its recipe and what its data's numbers mean, forget the states of an earlier one."""
        for path in (self.last, self.best):
            path.unlink(missing_ok=True)
        self.write(recipe)
        with atomic_path(self.numbers, force=True) as temporary:
            temporary.write_text(json.dumps(_numbers(data)), encoding="utf-8")

    def write(self, recipe: Recipe) -> None:
        """Write the recipe down (as JSON, which is YAML too)."""
        with atomic_path(self.recipe, force=True) as temporary:
            temporary.write_text(json.dumps(recipe.to_json(), indent=1) + "\n", encoding="utf-8")

    def values(self) -> dict[str, Any]:
        """The recipe that the run was begun with, as plain values. Raises CheckpointError if there is none."""
        if not self.last.is_file():
            raise CheckpointError(f"{self.run} holds no state to continue from ({self.last} is missing)")
        try:
            values = json.loads(self.recipe.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{self.recipe}: the run's recipe cannot be read: {error}") from error
        if not isinstance(values, dict):
            raise CheckpointError(f"{self.recipe}: the run's recipe cannot be read: it is no mapping")
        return values

    def check(self, recipe: Recipe) -> None:
        """Raise DataError if a recipe changes what a run must keep, and CheckpointError if its state is damaged."""
        before, now = self.values(), recipe.to_json()
        changes = [difference(before.get(key), now[key], key) for key in FIXED]
        old, new = (values.get("training") or {} for values in (before, now))
        changes += [difference(old.get(k), new[k], f"training.{k}") for k in ("optimizer", "accumulate")]
        changes.append(difference(_averaged(old), _averaged(new), "whether weights are averaged (ema)"))
        for changed in changes:
            if changed:
                raise DataError(
                    f"{self.run} cannot go on so: {changed}; begin a new run, with --start {self.run} for its weights"
                )
        read_state(self.last)

    def check_numbers(self, data: TrainingData) -> None:
        """Raise DataError if data are scaled or labelled otherwise than those that the weights were trained on.

        Runs of versions that did not write this down pass.
        """
        if not self.numbers.is_file():
            return
        try:
            before = json.loads(self.numbers.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{self.numbers} is damaged: {error}") from error
        changed = _otherwise(before, _numbers(data))
        if changed:
            raise DataError(
                f"{self.run} cannot go on with {data.corpus.folder}: {changed} than in the data it was trained on; begin a new "
                f"run, with --start {self.run} for its weights"
            )

    def kept(self, recipe: Recipe, model: nn.Module, *, validated: bool) -> tuple[nn.Module, dict[str, float], int]:
        """The model with the weights to keep, their held-out losses, and the steps they were trained for.

        Args:
            recipe: Of the run, which has come to its end.
            model: Fresh, of the recipe.
            validated: Whether there is a held-out split.
        """
        state = last = read_state(self.last)
        if recipe.training.keep != "last" and validated and self.best.is_file():
            best = read_state(self.best)
            loss = last["held_out"].get("held_out/loss", float("inf"))
            if recipe.training.keep == "dances" or best["held_out"]["held_out/loss"] <= loss:
                state = best
        model.load_state_dict(weights(state))
        return model.eval(), state["held_out"], state["global_step"]


def _numbers(data: TrainingData) -> dict[str, Any]:
    """Scales by modality, names of labels in their order, frame rate: plain values."""
    scales = {m: {"mean": s.mean.tolist(), "std": s.std.tolist()} for m, s in data.scalers().items()}
    return {"fps": float(data.corpus.fps), "labels": list(data.labels()), "scales": scales}


def _otherwise(before: Any, now: Mapping[str, Any]) -> str:
    """What two sets of numbers differ in, in words; empty if in nothing that matters."""
    try:
        if abs(before["fps"] - now["fps"]) > 1e-3:
            return f"the frame rate is another ({now['fps']:g}, not {before['fps']:g})"
        if before["labels"] != now["labels"]:
            return f"styles are others ({', '.join(now['labels'])}, not {', '.join(before['labels'])})"
        for modality, scale in now["scales"].items():
            old, new = (
                [np.asarray(s[k], dtype=float) for k in ("mean", "std")] for s in (before["scales"][modality], scale)
            )
            if any(a.shape != b.shape or (abs(a - b) > SAME * old[1]).any() for a, b in zip(old, new, strict=True)):
                return f"{modality} has other means or deviations"
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"numbers.json of the run's states is damaged: {error}") from error
    return ""


def _averaged(training: Mapping[str, Any]) -> bool:
    """Whether an average of the weights is kept in any stage."""
    stages = training.get("stages") or [{}]
    return any(s.get("ema", training.get("ema", 0.0)) for s in stages)


def weights(state: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights to keep of a state: the average where there is one."""
    stored = state["state_dict"]
    prefix = "average.module." if any(k.startswith("average.module.") for k in stored) else "model."
    return {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}


def read_state(path: Path) -> dict[str, Any]:
    """A state; nothing in the file is run."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is damaged: {reason}") from error
