"""What happens beside training: states that survive a kill, a progress bar, pictures of sampled dances in the logs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch

from farandole.data.windows import scale, unscale

if TYPE_CHECKING:
    from farandole.data.feature_folder import FeatureFolder
    from farandole.training.motion_task import MotionTask


class SaveState(lightning.Callback):
    """Writes the whole state of training after every so many optimiser steps or minutes, and at the end.

    Only whole steps are saved, never part of an accumulated one, and the file is replaced at once: whenever the process
    is killed, the state of a finished step lies there.

    Args:
        path: The file.
        steps: Optimiser steps from one saved state to the next.
        minutes: Minutes from one to the next, in addition; 0 for none.
    """

    def __init__(self, path: Path, steps: int, minutes: float = 0.0) -> None:
        self.path, self.steps, self.minutes = path, steps, minutes
        self._saved, self._time = 0, time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count from here."""
        self._saved, self._time = trainer.global_step, time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time."""
        if trainer.global_step == self._saved:
            return
        late = self.minutes > 0 and time.monotonic() - self._time > 60 * self.minutes
        if self.minutes > 0:  # clocks differ: the first process decides for all
            late = trainer.strategy.broadcast(late)
        if late or trainer.global_step // self.steps > self._saved // self.steps:
            self._save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the end, which a longer run can go on from."""
        if trainer.global_step != self._saved:
            self._save(trainer)

    def _save(self, trainer: lightning.Trainer) -> None:
        trainer.save_checkpoint(self.path)
        self._saved, self._time = trainer.global_step, time.monotonic()


class ShowProgress(lightning.Callback):
    """Tells how many of all optimiser steps are done."""

    def __init__(self, tell: Callable[[int, int], None], steps: int) -> None:
        self.tell, self.steps = tell, steps

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """One more."""
        if trainer.is_global_zero:
            self.tell(trainer.global_step, self.steps)


class Pictures(lightning.Callback):
    """After every so many epochs, a contact sheet of a dance sampled with the validated weights, for TensorBoard.

    The dance continues the beginning of the first held-out sequence to its music, always from the same noise. A model
    that has not learnt yet may make no picture worth seeing, but never stops the training.

    Args:
        corpus: With a `val` split.
        features: Modality -> name of its feature.
        every: Epochs from one to the next.
        seconds: Length of the dance.
    """

    def __init__(self, corpus: FeatureFolder, features: dict[str, str], every: int, seconds: float = 8.0) -> None:
        self.corpus, self.features, self.every, self.seconds = corpus, features, every, seconds
        self._validations = 0

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Draw, in the first process only."""
        self._validations += 1
        if self._validations % self.every or not trainer.is_global_zero or trainer.logger is None:
            return
        sheet = self.draw(pl_module)  # pyright: ignore[reportArgumentType]
        trainer.logger.experiment.add_image("dance", sheet, trainer.global_step, dataformats="HWC")

    def state_dict(self) -> dict[str, int]:
        """For resuming."""
        return {"validations": self._validations}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on counting."""
        self._validations = state_dict["validations"]

    def draw(self, task: MotionTask) -> np.ndarray:
        """The sheet, uint8 [H, W, 3]."""
        from farandole.generation.autoregressive import generate
        from farandole.view.contact_sheet import contact_sheet

        model, was_training = task.kept, task.kept.training
        target, device = model.target.name, next(model.parameters()).device
        name = self.corpus.split("val")[0]
        sequences = {}
        for m in model.generation_inputs:
            values = self._load(name, m.name, label=m.tokens > 0)
            sequences[m.name] = torch.from_numpy(values)[None].to(device)
        reach = max(m.offset + m.frames for m in model.generation_inputs if not m.fixed)
        frames = max(1, min(round(self.seconds * self.corpus.fps), self.corpus.sequences[name]["frames"] - reach))
        model.eval()
        made = generate(
            model,
            sequences,
            frames=frames,
            keep=model.generation_frames,
            generator=torch.Generator(device).manual_seed(0),
        )
        model.train(was_training)
        feature = self.features[target]
        # Far outside of what was ever recorded, bodies explode; the picture only has to show that they did.
        tame = np.nan_to_num(made[0].float().cpu().numpy()).clip(-10, 10)
        motion = self.corpus.codec(feature).decode(unscale(tame, self.corpus.scaler(feature), "standard"))
        return contact_sheet(motion, rows=2, columns=8, tile=(120, 150))

    def _load(self, sequence: str, modality: str, *, label: bool) -> np.ndarray:
        feature = self.features[modality]
        if label:
            told = self.corpus.sequences[sequence]
            return np.array([self.corpus.styles.index(told[feature])])
        return scale(self.corpus.load(sequence, feature), self.corpus.scaler(feature), "standard").astype(np.float32)
