"""`farandole train` for the masked family: a recipe of stages and a feature folder to a run with a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from farandole import __version__
from farandole._io import atomic_directory
from farandole.data.feature_folder import FeatureFolder, Scaler, skeleton_to_json
from farandole.errors import CheckpointError, DataError
from farandole.generation.checkpoint import SCHEMA
from farandole.generation.masked import find_masked_checkpoint, model_type
from farandole.models.masked import MASKED_PRESETS, MaskedConfig, MaskedMotionModel
from farandole.models.matrix_body import MatrixBody
from farandole.models.settings import build, plain
from farandole.training.masked_data import MaskedWindows, check_features, read_windows, scalers_of
from farandole.training.masked_task import MaskedTask, MaskedTraining
from farandole.training.motion_task import WindowData
from farandole.training.run_callbacks import SaveState, ShowProgress
from farandole.training.run_states import States
from farandole.training.trainers import make_trainer
from farandole.training.weights import write_weights

KEYS = ("model", "preset", "features", "dims", "config", "windows", "training", "start")


@dataclass(frozen=True)
class MaskedRecipe:
    """Everything needed to repeat a training run of the masked family."""

    model: str
    """A key of `generation.masked.MODELS`."""
    preset: str
    """Settings that `config` changed."""
    features: dict[str, str]
    """motion and, for models that hear it, music -> name of the feature in the feature folder."""
    config: MaskedConfig
    """The model's settings."""
    windows: MaskedWindows = field(default_factory=MaskedWindows)
    """What it is trained on."""
    training: MaskedTraining = field(default_factory=MaskedTraining)
    """Stages, optimiser, loss."""
    start: str = ""
    """Run or checkpoint whose weights to begin with; "": fresh ones."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], dims: Mapping[str, int] | None = None) -> MaskedRecipe:
        """A recipe from nested plain values, as YAML gives them.

        Args:
            values: The recipe; `dims`: "recipe" (default) if it says how many features there are, "data" to take their
                number from the feature folder.
            dims: Features per modality in the data.

        Raises:
            DataError: Listing unknown keys and wrong values.
        """
        unknown = [k for k in values if k not in KEYS]
        if unknown:
            raise DataError(f"recipe has no key '{unknown[0]}'; there are: {', '.join(KEYS)}")
        config_type = model_type(values.get("model", "")).Config
        preset = values.get("preset", "farandole")
        if preset not in MASKED_PRESETS:
            raise DataError(f"recipe.preset: {preset!r} is not one of {', '.join(MASKED_PRESETS)}")
        start = config_type.preset(preset)
        if values.get("dims", "recipe") == "data" and dims is not None:
            start = replace(start, **{m: n for m, n in dims.items() if hasattr(start, m)})
        config = build(config_type, values.get("config", {}), "config", start=start)
        features = values.get("features", {})
        if not isinstance(features, Mapping) or not all(isinstance(v, str) for v in features.values()):
            raise DataError("recipe.features: needed is a mapping of modalities to names of features")
        windows = build(MaskedWindows, values.get("windows", {}), "windows", start=MaskedWindows())
        training = build(MaskedTraining, values.get("training", {}), "training", start=MaskedTraining())
        return cls(values["model"], preset, dict(features), config, windows, training, str(values.get("start") or ""))

    @property
    def dims(self) -> dict[str, int]:
        """Features per frame of each modality that the model takes."""
        return {m: getattr(self.config, m) for m in ("motion", "music") if hasattr(self.config, m)}

    def build_model(self) -> MaskedMotionModel:
        """The model, with fresh weights or those of `start`.

        Raises:
            CheckpointError: If `start` is no masked model of these settings.
        """
        model = model_type(self.model)(self.config)
        if self.start:
            checkpoint = find_masked_checkpoint(self.start)
            known = checkpoint.load()
            if type(known) is not type(model) or known.config != self.config:
                raise CheckpointError(
                    f"{checkpoint.folder} is a {checkpoint.config['model']} of other settings than the recipe's {self.model}: "
                    "give the recipe the same preset and config"
                )
            model.load_state_dict(known.state_dict())
        return model


def train_masked(
    values: Mapping[str, Any],
    data: Path,
    run: Path,
    *,
    resume: bool = False,
    callbacks: Sequence[Any] = (),
    progress: Callable[[int, int], None] | None = None,
    **trainer: Any,
) -> dict[str, float]:
    """Train a masked model stage by stage and write `run`/checkpoint.

    Logs for TensorBoard lie in `run`/logs; `run`/states/last.ckpt is the last state of training.

    Args:
        values: The recipe, as read from YAML.
        data: Feature folder.
        run: Folder of the run.
        resume: Continue from the last state in `run`; the run must have one.
        callbacks: More Lightning callbacks.
        progress: Called with steps done and steps in all.
        trainer: More arguments of Lightning's Trainer.

    Returns:
        Held-out losses by name (empty without a held-out split).

    Raises:
        DataError: If recipe and data do not fit each other, or the trainer's arguments make no sense.
        CheckpointError: If there is no state to continue from, or it or `start` belongs to another model.
    """
    import lightning

    corpus = FeatureFolder(data)
    names = values.get("features") or {}
    recipe = MaskedRecipe.from_mapping(
        values, {m: len(corpus.features[f]) for m, f in names.items() if f in corpus.features}
    )
    check_features(recipe.features, recipe.dims, corpus)
    plan, states = recipe.training, States(run)
    if resume:
        states.check(recipe)
    lightning.seed_everything(plan.seed, workers=True, verbose=False)
    # A resumed run has weights of its own, whatever it started from.
    model = (replace(recipe, start="") if resume else recipe).build_model()
    task = make_task(model, recipe, corpus)
    scalers = scalers_of(corpus, {m: recipe.features[m] for m in recipe.dims}, recipe.windows)
    windows = {
        split: read_windows(corpus, split, recipe.features, recipe.dims, scalers, recipe.windows)
        for split in ("train", "val")
        if split == "train" or corpus.split(split)
    }
    loaders = WindowData(windows["train"], windows.get("val"), batch_size=plan.batch_size, seed=plan.seed)
    watchers: list[Any] = [SaveState(states.last, plan.save_every), *callbacks]
    if progress is not None:
        watchers.append(ShowProgress(progress, plan.steps))
    fit = make_trainer(plan.shared(), run, loaders.epoch_batches, watchers, trainer)
    if fit.is_global_zero and not resume:
        states.begin(recipe)
    fit.fit(task, datamodule=loaders, ckpt_path=states.last if resume else None, weights_only=True)
    if "val" in windows and task.validated != fit.global_step:  # training need not end with an epoch
        fit.validate(task, datamodule=loaders, verbose=False)
    results = {k: float(v) for k, v in fit.callback_metrics.items() if k.startswith("held_out/")}
    if fit.is_global_zero:
        write_masked(run / "checkpoint", task.kept, recipe, corpus, scalers, results)
    return results


def make_task(model: MaskedMotionModel, recipe: MaskedRecipe, corpus: FeatureFolder) -> MaskedTask:
    """The task of a recipe on a corpus's skeleton."""
    joints, canonical = len(corpus.skeleton), recipe.windows.root == "canonical"
    by_joint = recipe.config.motion == 9 * joints + 3
    if recipe.config.orthonormal and not by_joint:
        raise DataError(
            f"{recipe.features['motion']} has {recipe.config.motion} features, but {joints} rotation matrices and a root are "
            f"{9 * joints + 3}: prepare the motion feature rotmat"
        )
    groups = np.repeat(np.arange(joints + 1), [9] * joints + [3]) if by_joint else None
    body = MatrixBody(corpus.skeleton) if by_joint and canonical else None
    return MaskedTask(model, recipe.training, canonical=canonical, groups=groups, body=body)


def write_masked(
    target: Path,
    model: MaskedMotionModel,
    recipe: MaskedRecipe,
    corpus: FeatureFolder,
    scalers: Mapping[str, Scaler],
    held_out: Mapping[str, float],
) -> None:
    """Write the folder `target` with weights, settings, scales, skeleton and card, replacing it whole."""
    facts = {
        "schema": SCHEMA,
        "farandole": __version__,
        "model": recipe.model,
        "preset": recipe.preset,
        "parameters": sum(p.numel() for p in model.parameters()),
        "fps": corpus.fps,
        "features": recipe.features,
        "config": plain(recipe.config),
        "windows": plain(recipe.windows),
        "training": plain(recipe.training),
        "steps": recipe.training.steps,
        "held_out": {k: float(f"{v:.6g}") for k, v in held_out.items()},
        "licence": corpus.licence,
    }
    with atomic_directory(target, force=True) as folder:
        write_weights(folder, model.state_dict())
        (folder / "config.yaml").write_text(json.dumps(facts, indent=1) + "\n")
        (folder / "scalers.json").write_text(json.dumps({m: s.to_json() for m, s in scalers.items()}) + "\n")
        (folder / "skeleton.json").write_text(json.dumps(skeleton_to_json(corpus.skeleton), indent=1) + "\n")
        (folder / "card.md").write_text(_card(facts))


def _card(facts: Mapping[str, Any]) -> str:
    lines = [
        f"# {facts['model']}, preset {facts['preset']}",
        "",
        f"Fills hidden frames of motion at {facts['fps']:g} frames per second; {facts['parameters'] / 1e6:.2f} M parameters.",
        "",
        f"* Made with farandole {facts['farandole']}; every setting is in config.yaml.",
        *(f"* {s['steps']} steps at {s['lr']:g}, mask {s['mask']['pattern']}" for s in facts["training"]["stages"]),
        "",
        "| held-out loss | value |",
        "|---|---|",
        *(f"| {k.removeprefix('held_out/')} | {v:g} |" for k, v in facts["held_out"].items()),
        "",
        "## Terms of the data",
        "",
        facts["licence"].strip(),
        "",
        "Whether and how these weights may be used and shipped depends on them.",
    ]
    return "\n".join(lines) + "\n"
