"""What happens beside training: states that survive a kill, the best weights, a progress bar, a stop on Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import lightning

if TYPE_CHECKING:
    from farandole.training.task import Task


def validation_due(trainer: lightning.Trainer) -> bool:
    """Whether held-out batches are looked at after the batch that has just been trained on."""
    if not trainer.enable_validation:
        return False
    every = cast("float", trainer.val_check_batch)  # a number as soon as training has begun
    return (trainer.fit_loop.total_batch_idx + 1) % every == 0


class NoteHeldOut(lightning.Callback):
    """Tells the task its held-out losses before any other callback saves them."""

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Note them."""
        if not trainer.sanity_checking:
            cast("Task", pl_module).note_held_out()


class SaveState(lightning.Callback):
    """Writes the whole state of training after every so many optimiser steps or minutes, and at the end.

    Only whole steps are saved, never part of an accumulated one, and the file is replaced at once: whenever the process
    is killed, the state of a finished step lies there. Where a step is validated its state is saved after that: a resumed run
    would not make up for it.

    Args:
        path: The file.
        steps: Optimiser steps from one saved state to the next.
        minutes: Minutes from one to the next, in addition; 0 for none.
    """

    def __init__(self, path: Path, steps: int, minutes: float = 0.0) -> None:
        self.path, self.steps, self.minutes = path, steps, minutes
        self._saved, self._time = 0, time.monotonic()
        self._waits = False

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
        late = late or trainer.should_stop or trainer.global_step // self.steps > self._saved // self.steps
        self._waits = late and validation_due(trainer)
        if late and not self._waits:
            self.save(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save if it was time."""
        if self._waits:
            self.save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the end, which a longer run can go on from."""
        if trainer.global_step != self._saved:
            self.save(trainer)

    def save(self, trainer: lightning.Trainer) -> None:
        """Save now."""
        trainer.save_checkpoint(self.path)
        self._saved, self._time, self._waits = trainer.global_step, time.monotonic(), False


class KeepBest(lightning.Callback):
    """Writes the state of least held-out loss within the last stage.

    Args:
        path: The file.
        begin: First step of the last stage.
    """

    def __init__(self, path: Path, begin: int) -> None:
        self.path, self.begin, self.best = path, begin, float("inf")

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write if this is the best so far."""
        loss = trainer.callback_metrics.get("held_out/loss")
        if loss is None or trainer.sanity_checking or trainer.global_step <= self.begin:
            return
        if float(loss) < self.best:
            self.best = float(loss)
            trainer.save_checkpoint(self.path, weights_only=True)

    def state_dict(self) -> dict[str, float]:
        """For resuming."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on comparing."""
        self.best = state_dict["best"]


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


class StopOnInterrupt(lightning.Callback):
    """Ctrl-C ends training after the step that runs; a second one at once.

    Attributes:
        interrupted: Whether it was pressed.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._before: Any = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Listen for it, in the main thread only."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._pressed)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop after this step, without a validation that would not have been: it could change which weights are kept."""
        if self.interrupted:
            trainer.should_stop = True
            if not validation_due(trainer):
                trainer.limit_val_batches = 0

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Listen no longer."""
        self._restore()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Listen no longer."""
        self._restore()

    def _pressed(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            self._restore()
            raise KeyboardInterrupt
        self.interrupted = True

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
