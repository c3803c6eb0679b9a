"""`farandole train` for the flow family: a recipe and a feature folder to a run with checkpoints, logs and a model folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farandole.data.feature_folder import CONSTANT, FeatureFolder
from farandole.errors import CheckpointError, DataError
from farandole.generation.motion_checkpoint import TARGET
from farandole.models.base import PRESETS, MotionModel
from farandole.models.registry import model_type
from farandole.models.settings import build
from farandole.training.motion_checkpoint import write_motion_checkpoint
from farandole.training.motion_task import MotionTask, Training, WindowData
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
    values: Mapping[str, Any], data: Path, run: Path, *, resume: bool = False, callbacks: list[Any] | None = None,
    **trainer: Any,
) -> dict[str, float]:  # fmt: skip
    """Train a model of the flow family and write `run`/checkpoint (safetensors, configuration).

    Logs for TensorBoard lie in `run`/logs; `run`/states holds the best and the last state of training, the last one
    written every 1000 steps.

    Args:
        values: The recipe, as read from YAML.
        data: Feature folder.
        run: Folder of the run.
        resume: Continue from the last state in `run`; the run must have one.
        callbacks: More Lightning callbacks.
        trainer: More arguments of Lightning's Trainer, e.g. devices, num_nodes, strategy.

    Returns:
        Held-out losses by name (empty without a held-out split).
    """
    import lightning
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.loggers import TensorBoardLogger

    corpus = FeatureFolder(data)
    names = values.get("features") or {}
    dims = {m: len(corpus.features[f]) for m, f in names.items() if f in corpus.features}
    recipe = MotionRecipe.from_mapping(values, dims, _still(corpus, names.get(TARGET)))
    settings = recipe.training
    last = run / "states" / "last.ckpt"
    if resume and not last.is_file():
        raise CheckpointError(f"{run} holds no state to continue from ({last} is missing)")
    lightning.seed_everything(settings.seed, workers=True, verbose=False)
    model = recipe.build_model()
    train = model_windows(corpus, "train", recipe.features, model.inputs, model.target)
    held_out = None
    if corpus.split("val"):
        held_out = model_windows(corpus, "val", recipe.features, model.inputs, model.target)
    states = [ModelCheckpoint(run / "states", save_top_k=0, save_last=True, every_n_train_steps=1000)]
    if held_out is not None:
        states.append(ModelCheckpoint(run / "states", filename="best", monitor="held_out/loss", save_weights_only=True))
    task = MotionTask(model, settings)
    batches = max(1, len(train) // settings.batch_size)
    options: dict[str, Any] = {
        "max_steps": settings.steps,
        "max_epochs": -1,
        "val_check_interval": min(batches, settings.steps),
        "num_sanity_val_steps": 0,
        "gradient_clip_val": settings.clip_norm or None,
        "accumulate_grad_batches": settings.accumulate,
        "precision": settings.precision,
        "logger": TensorBoardLogger(run / "logs", name=""),
        "log_every_n_steps": 25,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
    }
    fit = lightning.Trainer(callbacks=[*states, *(callbacks or [])], **(options | trainer))
    loaders = WindowData(train, held_out, batch_size=settings.batch_size, seed=settings.seed, workers=settings.workers)
    fit.fit(task, datamodule=loaders, ckpt_path=last if resume else None, weights_only=False)
    results = {k: float(v) for k, v in fit.callback_metrics.items() if k.startswith("held_out/")}
    if fit.is_global_zero:
        write_motion_checkpoint(run / "checkpoint", task.kept, recipe, corpus, steps=fit.global_step, held_out=results)
    return results


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
