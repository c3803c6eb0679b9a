"""Where a run's numbers and pictures go: TensorBoard, CSV, Weights & Biases offline; all of them on this machine."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from farandole.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np

    from farandole.training.recipe import Recipe

LOG_EVERY = 25
"""Steps from one entry in the logs to the next."""
COMPARED = ("held_out/loss", "dances/lines", "dances/distance")
"""Logged numbers that TensorBoard's table of hyper-parameters shows beside the settings of each run."""


def make_loggers(names: Sequence[str], run: Path) -> list[Logger]:
    """The loggers of a run by the names that `training.loggers` has, in `run`/logs; duplicates are one.

    Raises:
        MissingExtraError: If Weights & Biases is asked for and not installed.
    """
    makers = {"tensorboard": _tensorboard, "csv": _csv, "wandb": _wandb}
    return [makers[name](run) for name in dict.fromkeys(names)]


def _tensorboard(run: Path) -> Logger:
    return TensorBoardLogger(run / "logs", name="", default_hp_metric=False)


def _csv(run: Path) -> Logger:
    return CSVLogger(run / "logs", name="csv", flush_logs_every_n_steps=LOG_EVERY)


def _wandb(run: Path) -> Logger:
    """Offline, whatever the machine's settings are: nothing is sent before a person calls `wandb sync`."""
    if importlib.util.find_spec("wandb") is None:
        raise MissingExtraError("logging for Weights & Biases", "wandb")
    wandb = importlib.import_module("wandb")
    logging.getLogger("wandb").setLevel(logging.ERROR)
    quiet = wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_meta=True)
    return WandbLogger(
        name=run.resolve().name, project="farandole", save_dir=run / "logs", offline=True, settings=quiet
    )


def note_settings(loggers: Sequence[Logger], recipe: Recipe) -> None:
    """Write the recipe's settings down as hyper-parameters, where a logger keeps such.

    TensorBoard's table reads the numbers beside them from the run itself, so that runs can be compared while they train.
    """
    settings = dict(flat(recipe.to_json()))
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            from torch.utils.tensorboard.summary import hparams

            experiment, session, _ = hparams(settings, dict.fromkeys(COMPARED, 0.0))
            writer = logger.experiment._get_file_writer()
            writer.add_summary(experiment)
            writer.add_summary(session)
        logger.log_hyperparams(settings)
        logger.save()


def show_picture(loggers: Sequence[Logger], name: str, pixels: np.ndarray, step: int) -> None:
    """Give a picture [H, W, 3] uint8 to the loggers that show pictures."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_image(name, pixels, step, dataformats="HWC")
        elif isinstance(logger, WandbLogger):
            logger.log_image(name, [pixels], step=step)


def close(loggers: Sequence[Logger]) -> None:
    """End what Lightning leaves open: a process of Weights & Biases would otherwise log the next run of this one."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.finish()


def flat(values: Any, name: str = "") -> Iterator[tuple[str, bool | int | float | str]]:
    """Nested plain values by dotted name; what is no number, word or truth value is written as text."""
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list) and values and any(isinstance(v, Mapping | list) for v in values):
        for number, value in enumerate(values):
            yield from flat(value, f"{name}.{number}")
    else:
        yield name, values if isinstance(values, bool | int | float | str) else str(values)
