"""The folder of a run: its recipe, the states to go on from, and the weights to keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from farandole._io import atomic_path
from farandole.errors import CheckpointError
from farandole.models.base import MotionModel
from farandole.models.settings import plain

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import ModelCheckpoint

    from farandole.training.motion_run import MotionRecipe

FIXED = ("model", "features", "config")
"""What cannot change between a run and its continuation; the rest of the training may."""


class States:
    """States of training in the folder of a run."""

    def __init__(self, run: Path) -> None:
        self.run, self.folder = run, run / "states"
        self.last, self.best, self.recipe = self.folder / "last.ckpt", self.folder / "best.ckpt", run / "recipe.yaml"

    def begin(self, recipe: MotionRecipe) -> None:
        """A new run: write down its recipe (as JSON, which is YAML too), forget the states of an earlier one."""
        for path in (self.last, self.best):
            path.unlink(missing_ok=True)
        with atomic_path(self.recipe, force=True) as temporary:
            temporary.write_text(json.dumps(plain(recipe), indent=1) + "\n", encoding="utf-8")

    def check(self, recipe: MotionRecipe) -> None:
        """Raise CheckpointError unless there is a state to go on from, and it is of the same model."""
        if not self.last.is_file():
            raise CheckpointError(f"{self.run} holds no state to continue from ({self.last} is missing)")
        try:
            before, now = json.loads(self.recipe.read_text(encoding="utf-8")), plain(recipe)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.recipe}: the run's recipe cannot be read: {error}") from error
        for key in FIXED:
            changed = _difference(before.get(key), now[key], key)
            if changed:
                raise CheckpointError(f"{self.run} was begun with another recipe: {changed}")
        _read(self.last)

    def keep_best(self) -> ModelCheckpoint:
        """A callback that writes the state of least held-out loss."""
        from lightning.pytorch.callbacks import ModelCheckpoint

        return ModelCheckpoint(
            self.folder, filename=self.best.stem, monitor="held_out/loss", save_weights_only=True,
            enable_version_counter=False,
        )  # fmt: skip

    def kept(self, recipe: MotionRecipe, last: Mapping[str, float]) -> tuple[MotionModel, dict[str, float], int]:
        """The model with the weights to keep, their held-out losses, and the steps they were trained for.

        Args:
            recipe: Of the run, which has come to its end.
            last: Held-out losses of the last weights; empty without a held-out split.
        """
        state, losses = _read(self.last), dict(last)
        if recipe.training.keep == "best" and last and self.best.is_file():
            best = _read(self.best)
            if best["held_out"]["held_out/loss"] <= last["held_out/loss"]:
                state, losses = best, best["held_out"]
        prefix = "average.module." if recipe.training.ema else "model."
        weights = {k.removeprefix(prefix): v for k, v in state["state_dict"].items() if k.startswith(prefix)}
        model = recipe.build_model()
        model.load_state_dict(weights)
        return model.eval(), losses, state["global_step"]


def _read(path: Path) -> dict[str, Any]:
    """A state; nothing in the file is run."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is damaged: {reason}") from error


def _difference(before: Any, now: Any, where: str) -> str:
    """Where two nested plain values differ first, in words; empty if they do not."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*before, *now)):
            told = _difference(before.get(key), now.get(key), f"{where}.{key}")
            if told:
                return told
        return ""
    return "" if before == now else f"{where} was {before}, now {now}"
