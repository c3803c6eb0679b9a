"""Lightning's Trainer from the settings of a recipe, with the errors a person can mend in one line."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole._memory import keep_all_freed_memory
from farandole.errors import DataError

if TYPE_CHECKING:
    import lightning

    from farandole.training.plan import Training

VALIDATE_EVERY = 1000
"""Batches from one validation to the next where epochs have no meaning."""


def make_trainer(
    settings: Training,
    run: Path,
    *,
    steps: int,
    epoch_batches: int,
    callbacks: Sequence[Any],
    more: Mapping[str, Any],
    averaged: bool,
) -> lightning.Trainer:
    """A trainer that logs into `run`/logs and validates after every epoch, at least once.

    Args:
        settings: Of the recipe.
        run: Folder of the run.
        steps: Optimiser steps in all.
        epoch_batches: Batches in an epoch; 0 where epochs have no meaning.
        callbacks: Lightning callbacks.
        more: Arguments of Trainer, which win over those made from the settings.
        averaged: Whether an average of the weights is kept.

    Raises:
        DataError: If Trainer has no such argument, does not accept a value, or cannot do that with this recipe.
        MissingExtraError: If a logger needs packages that are not installed.
    """
    import lightning
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    from farandole.training.loggers import LOG_EVERY, make_loggers

    keep_all_freed_memory()
    known = list(inspect.signature(lightning.Trainer.__init__).parameters)[1:]
    unknown = [k for k in more if k not in known]
    if unknown:
        raise DataError(f"trainer has no option '{unknown[0]}'; there are: {', '.join(known)}")
    if "fsdp" in str(more.get("strategy", "")).lower() and (averaged or settings.dances.every):
        raise DataError(
            "trainer.strategy: FSDP splits the weights, so training.ema and training.dances.every must be 0"
        )
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # what it would say of devices is no news
    # Held-out data may be missing, and what reads the windows is chosen by the recipe.
    warnings.filterwarnings("ignore", message=".*Total length of .* across ranks is zero.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    every = settings.validate_every or epoch_batches or VALIDATE_EVERY
    options: dict[str, Any] = {
        "max_steps": steps,
        "max_epochs": -1,
        "val_check_interval": min(every, steps * settings.accumulate),
        "check_val_every_n_epoch": None,
        "num_sanity_val_steps": 0,
        "gradient_clip_val": settings.clip_norm or None,
        "accumulate_grad_batches": settings.accumulate,
        "precision": settings.precision,
        "logger": make_loggers(settings.loggers, run) or False,
        "log_every_n_steps": LOG_EVERY,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": any(type(c).__name__ == "ModelCheckpoint" for c in callbacks),
        "use_distributed_sampler": False,
    }
    try:
        return lightning.Trainer(callbacks=list(callbacks), **(options | dict(more)))
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise DataError(f"trainer: {' '.join(str(error).split())}") from error
