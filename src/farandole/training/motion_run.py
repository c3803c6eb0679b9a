"""`farandole train` for the flow family: a recipe and a feature folder to a run with checkpoints, logs and a model folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farandole.data.feature_folder import CONSTANT, FeatureFolder
from farandole.errors import DataError
from farandole.generation.motion_checkpoint import TARGET
from farandole.models.base import PRESETS, MotionModel
from farandole.models.registry import model_type
from farandole.models.settings import build
from farandole.training.motion_checkpoint import write_motion_checkpoint
from farandole.training.motion_task import MotionTask, Training, WindowData
from farandole.training.run_callbacks import Pictures, SaveState, ShowProgress
from farandole.training.run_states import States
from farandole.training.trainers import make_trainer
from farandole.training.windows import model_windows

KEYS = ("model", "preset", "features", "dims", "config", "training")


@dataclass(frozen=True)
class MotionRecipe:
    """Everything needed to repeat a training run of the flow family."""

    model: str
    """A key of `models.registry.MODELS`."""
    preset: str
    """Settings that `config` was made from by changes."""
    features: dict[str, str]
    """Modality -> name of its feature in the feature folder."""
    config: Any
    """The model's settings."""
    training: Training
    """The optimisation."""

    @classmethod
    def from_mapping(
        cls, values: Mapping[str, Any], dims: Mapping[str, int] | None = None, still: Sequence[int] = ()
    ) -> MotionRecipe:
        """A recipe from nested plain values, as YAML gives them.

        Args:
            values: `model`; `preset` (default paper), whose settings `config` changes; `features`; `training`; and
                `dims`: "recipe" (default) if the recipe says how many features each modality has, "data" to take
                them, and which of the target's never vary, from the feature folder.
            dims: Features per modality in the data.
            still: Columns of the target that never vary in the data.

        Raises:
            DataError: Listing unknown keys and wrong values.
        """
        unknown = [k for k in values if k not in KEYS]
        if unknown:
            raise DataError(f"recipe has no key '{unknown[0]}'; there are: {', '.join(KEYS)}")
        config_type = model_type(values.get("model", "")).Config
        preset = values.get("preset", "paper")
        if preset not in PRESETS:
            raise DataError(f"recipe.preset: {preset!r} is not one of {', '.join(PRESETS)}")
        config = build(config_type, values.get("config", {}), "config", start=config_type.preset(preset))
        source = values.get("dims", "recipe")
        if source not in ("recipe", "data"):
            raise DataError(f"recipe.dims: {source!r} is not one of recipe, data")
        if source == "data" and dims is not None:
            config = _fitted(config, dims, tuple(still))
        features = values.get("features", {})
        if not isinstance(features, Mapping) or not all(isinstance(v, str) for v in features.values()):
            raise DataError("recipe.features: needed is a mapping of modalities to names of features")
        training = build(Training, values.get("training", {}), "training", start=Training())
        return cls(values["model"], preset, dict(features), config, training)

    def build_model(self) -> MotionModel:
        """The model with fresh weights."""
        return model_type(self.model)(self.config)


def train_motion(
    values: Mapping[str, Any],
    data: Path,
    run: Path,
    *,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    callbacks: Sequence[Any] = (),
    **trainer: Any,
) -> dict[str, float]:
    """Train a model of the flow family and write `run`/checkpoint (safetensors, configuration).

    `run`/recipe.yaml is the recipe with every setting, `run`/logs are TensorBoard's, `run`/states holds the best and the
    last state of training.

    Args:
        values: The recipe, as read from YAML.
        data: Feature folder.
        run: Folder of the run.
        resume: Continue from the last state in `run`; the run must have one.
        progress: Called with (steps done, steps in all).
        callbacks: More Lightning callbacks.
        trainer: More arguments of Lightning's Trainer, e.g. devices, num_nodes, strategy.

    Returns:
        Held-out losses of the weights that are kept, by name (empty without a held-out split).

    Raises:
        DataError: If recipe and data do not fit each other, or the trainer's arguments make no sense.
        CheckpointError: If there is no state to continue from, or it belongs to another model.
    """
    import lightning

    corpus = FeatureFolder(data)
    recipe = _recipe(values, corpus)
    settings, states = recipe.training, States(run)
    if resume:
        states.check(recipe)
    lightning.seed_everything(settings.seed, workers=True, verbose=False)
    model = recipe.build_model()
    windows = {
        split: model_windows(corpus, split, recipe.features, model.inputs, model.target)
        for split in ("train", "val")
        if split == "train" or corpus.split(split)
    }
    options = {"batch_size": settings.batch_size, "seed": settings.seed, "workers": settings.workers}
    loaders = WindowData(windows["train"], windows.get("val"), stride=settings.stride, **options)
    task = MotionTask(model, settings)
    watchers = [*callbacks, *_watchers(recipe, corpus, states, progress)]
    fit = make_trainer(settings, run, loaders.epoch_batches, watchers, trainer)
    if not resume:
        task.start(loaders.first_batch())
        if fit.is_global_zero:
            states.begin(recipe)
    fit.fit(task, datamodule=loaders, ckpt_path=states.last if resume else None, weights_only=True)
    if "val" in windows and task.validated != fit.global_step:  # training need not end with an epoch
        fit.validate(task, datamodule=loaders, verbose=False)
    fit.strategy.barrier()
    last = {k: float(v) for k, v in fit.callback_metrics.items() if k.startswith("held_out/")}
    kept, results, steps = states.kept(recipe, last)
    if fit.is_global_zero:
        write_motion_checkpoint(run / "checkpoint", kept, recipe, corpus, steps=steps, held_out=results)
    return results


def _watchers(
    recipe: MotionRecipe, corpus: FeatureFolder, states: States, progress: Callable[[int, int], None] | None
) -> list[Any]:
    """Lightning callbacks: states, the best weights, pictures, progress."""
    settings = recipe.training
    made: list[Any] = [SaveState(states.last, settings.save_every, settings.save_minutes)]
    if corpus.split("val"):
        made.append(states.keep_best())
        if settings.pictures_every:
            made.append(Pictures(corpus, recipe.features, settings.pictures_every))
    if progress is not None:
        made.append(ShowProgress(progress, settings.steps))
    return made


def _recipe(values: Mapping[str, Any], corpus: FeatureFolder) -> MotionRecipe:
    """The recipe for a corpus."""
    names = values.get("features") or {}
    dims = {m: len(corpus.features[f]) for m, f in names.items() if f in corpus.features}
    return MotionRecipe.from_mapping(values, dims, _still(corpus, names.get(TARGET)))


def _still(corpus: FeatureFolder, feature: str | None) -> tuple[int, ...]:
    """Columns of a feature that never vary in the training split."""
    if feature not in corpus.features:
        return ()
    scaler = corpus.scaler(feature)
    return tuple(int(i) for i in ((scaler.maximum - scaler.minimum) < CONSTANT).nonzero()[0])


def _fitted(config: Any, dims: Mapping[str, int], still: tuple[int, ...]) -> Any:
    """Settings with the features per modality that the data has, without columns that stand still."""
    if hasattr(config, "residual") and hasattr(config.residual, "target"):
        parts = {name: _fitted(getattr(config, name), dims, still) for name in ("mean", "residual")}
        return replace(config, **parts)
    signal = replace(config.signal, still=still)
    if hasattr(config, "controls"):
        sizes = {"motion": dims.get("motion", config.motion), "controls": dims.get("audio", config.controls)}
        return replace(config, signal=signal, **sizes)
    sized = lambda m: m if m.tokens else replace(m, dim=dims.get(m.name, m.dim))  # noqa: E731
    inputs, target = tuple(sized(m) for m in config.inputs), sized(config.target)
    return replace(config, inputs=inputs, target=target, signal=signal)
