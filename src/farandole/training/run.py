"""`farandole train`: a recipe and a feature folder to a run with logs, states and a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farandole.checkpoints.checkpoint import find_checkpoint
from farandole.data.joined_folders import open_folders
from farandole.errors import CheckpointError
from farandole.models.registry import model_type
from farandole.models.settings import plain
from farandole.training.finish import save_run
from farandole.training.recipe import Recipe, difference, make_data, objective_of, read_values, take_rate
from farandole.training.recipe_files import override

if TYPE_CHECKING:
    from farandole.models.model import Model
    from farandole.training.task import Task


def train(
    values: Mapping[str, Any],
    data: Path | Sequence[Path],
    run: Path,
    *,
    resume: bool = False,
    changes: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
    callbacks: Sequence[Any] = (),
) -> dict[str, float]:
    """Train a model and write `run`/checkpoint.

    `run`/recipe.yaml is the recipe with every setting, `run`/logs what its loggers wrote, `run`/states holds the best and the
    last state of training.

    Args:
        values: The recipe, as read from YAML; when resuming the run's own recipe counts instead.
        data: Feature folder, or several that are trained on as one.
        run: Folder of the run.
        resume: Continue from the last state in `run`; the run must have one.
        changes: Words like "training.steps=100" that replace values of the recipe. A resumed run takes them and writes them
            down, or refuses those that it cannot take.
        progress: Called with (steps done, steps in all).
        callbacks: More Lightning callbacks.

    Returns:
        Held-out losses of the weights that are kept, by name (empty without a held-out split).

    Raises:
        DataError: If recipe and data do not fit each other, a change cannot be taken, or the trainer's arguments make no sense.
        CheckpointError: If there is no state to continue from, or `start` is no model of these settings.
        KeyboardInterrupt: After Ctrl-C; the state is saved, and the run can be resumed.
    """
    import lightning
    import torch

    from farandole.training.loggers import close, note_settings
    from farandole.training.run_callbacks import NoteHeldOut, StopOnInterrupt
    from farandole.training.run_loaders import RunLoaders
    from farandole.training.run_states import States
    from farandole.training.task import Task
    from farandole.training.trainers import make_trainer

    states = States(run)
    given = override(states.values() if resume else values, changes)
    read_values(given)  # what is wrong with a recipe is told before any data are read
    corpus = open_folders(*([data] if isinstance(data, str | Path) else data))
    recipe = read_values(given, None if resume else corpus)
    take_rate(recipe, corpus)
    if resume:
        states.check(recipe)
    settings, plan = recipe.training, recipe.plan
    if settings.threads:
        torch.set_num_threads(settings.threads)
    lightning.seed_everything(settings.seed, workers=True, verbose=False)
    model: Model = model_type(recipe.model)(recipe.config)
    windows = make_data(recipe, model, corpus)
    if resume:
        states.check_numbers(windows)
    for stage in plan.stages:
        windows.epoch_batches(stage.batch_size)  # refuses batches larger than an epoch before any work
    if recipe.start and not resume:
        start_from(model, recipe)
    objective = objective_of(recipe.model)(model, recipe.objective, windows.facts())
    loaders = RunLoaders(windows, plan, accumulate=settings.accumulate, workers=settings.workers, seed=settings.seed)
    task = Task(model, objective, settings, plan, epoch_batches=windows.epoch_batches)
    stop, validated = StopOnInterrupt(), loaders.held_out()
    watchers = [NoteHeldOut(), stop, *callbacks, *_watchers(recipe, windows, states, validated, progress)]
    fit = make_trainer(
        settings,
        run,
        steps=plan.steps,
        epoch_batches=windows.epoch_batches(plan.stages[0].batch_size),
        callbacks=watchers,
        more=recipe.trainer,
        averaged=task.average is not None,
    )
    if resume:
        if fit.is_global_zero:
            states.write(recipe)
    else:
        if recipe.start:
            task.started.fill_(True)
            task.restart_average()
        else:
            task.start(loaders.first_batch())
        if fit.is_global_zero:
            states.begin(recipe, windows)
    if fit.is_global_zero:
        note_settings(fit.loggers, recipe)
    try:
        fit.fit(task, datamodule=loaders, ckpt_path=states.last if resume else None, weights_only=True)
        if stop.interrupted:
            raise KeyboardInterrupt
        _finish(fit, task, loaders, validated)
    finally:
        close(fit.loggers)
    fresh: Model = model_type(recipe.model)(recipe.config)
    _, results, steps = states.kept(recipe, fresh, validated=validated)
    if fit.is_global_zero:
        save_run(run / "checkpoint", fresh, recipe, windows, steps=steps, held_out=results, export=settings.export)
    return {k: float(v) for k, v in results.items()}


def start_from(model: Model, recipe: Recipe) -> None:
    """Give a model the weights of the recipe's `start`.

    Raises:
        CheckpointError: If that is another model, or one of other settings.
    """
    from farandole.checkpoints.weights import load_model

    checkpoint = find_checkpoint(recipe.start)
    if checkpoint.config.model != recipe.model:
        raise CheckpointError(
            f"{checkpoint.folder} is a {checkpoint.config.model}, but the recipe trains a {recipe.model}: start from one of those"
        )
    changed = difference(checkpoint.config.config, plain(recipe.config), "config")
    known = load_model(checkpoint)
    try:
        model.load_state_dict(known.state_dict())
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint.folder} has other settings than the recipe ({changed}): give the recipe the same preset and config"
        ) from error


def _finish(fit: Any, task: Task, loaders: Any, validated: bool) -> None:
    """Validate the last weights and save them with their losses: training need not end with a validation."""
    if validated and task.validated != fit.global_step:
        fit.validate(task, datamodule=loaders, verbose=False)
        for callback in fit.callbacks:
            if type(callback).__name__ == "SaveState":
                callback.save(fit)
    fit.strategy.barrier()


def _watchers(
    recipe: Recipe, windows: Any, states: Any, validated: bool, progress: Callable[[int, int], None] | None
) -> list[Any]:
    """Lightning callbacks: the best weights, pictures, states, progress."""
    from farandole.training.free_dances import FreeDances
    from farandole.training.run_callbacks import KeepBest, SaveState, ShowProgress

    settings, plan = recipe.training, recipe.plan
    made: list[Any] = []
    if validated and settings.keep == "best":
        made.append(KeepBest(states.best, plan.begins()[-1]))
    if validated and settings.dances.every:
        made.append(FreeDances(recipe, windows, states.run, states.best if settings.keep == "dances" else None))
    made.append(SaveState(states.last, settings.save_every, settings.save_minutes))
    if progress is not None:
        made.append(ShowProgress(progress, plan.steps))
    return made
