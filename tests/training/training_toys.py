"""Feature folders and recipes of every family at toy size, and what tests of training look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch

from farandole.data.feature_folder import FeatureFolder, FeatureFolderWriter
from farandole.models.registry import model_type
from farandole.motion import codecs
from farandole.motion import rotations as rot
from farandole.motion.codecs.rotmat import RotMat
from farandole.motion.dance_codec import DanceCodec
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion
from farandole.motion.skeleton import Skeleton
from farandole.music import dance_features
from farandole.training.recipe import Recipe, make_data, objective_of, read_values, take_rate

SKELETON = Skeleton(
    ("hips", "spine", "head"), (-1, 0, 1), ((0, 0.9, 0), (0, 0.3, 0.1), (0.05, 0.4, 0)), {"head": (0, 0.2, 0)}
)
"""Body of the masked folder."""
QUIET = {"accelerator": "cpu", "log_every_n_steps": 1}

MOGLOW: dict[str, Any] = {
    "model": "moglow",
    "preset": "farandole",
    "features": {"motion": "expmap_cr", "audio": "sound"},
    "dims": "data",
    "config": {"past": 3, "heard": 4, "frames": 5, "pose_dropout": 0.3, "glow": {"steps": 2, "dim": 8, "layers": 1}},
    "windows": {"stride": 2},
    "training": {"steps": 12, "batch_size": 8, "lr": 3e-3, "ema": 0.5},
    "trainer": QUIET,
}
_INPUTS = [{"name": "motion", "dim": 1, "frames": 6}, {"name": "audio", "dim": 1, "frames": 8}]
_ENCODER = {"layers": 1, "input_layers": 1, "heads": 2, "dim": 8}
_FLOW = {"steps": [2], "dim": 8, "heads": 2, "layers": 1}
_SEEN = {"inputs": _INPUTS, "target": {"name": "motion", "dim": 1, "frames": 2, "offset": 6}, "encoder": _ENCODER}
FLOWS: dict[str, dict[str, Any]] = {
    "moglow": MOGLOW["config"],
    "transformer": _SEEN,
    "transflower": {**_SEEN, "flow": _FLOW},
    "transformerflow": {**_SEEN, "flow": {**_FLOW, "heads": 8}},
    "transglower": {
        **_SEEN,
        "target": {**_SEEN["target"], "frames": 1},
        "frames": 2,
        "glow": {"steps": 2, "dim": 8, "layers": 1},
    },
    "residualflower": {"mean": _SEEN, "residual": {**_SEEN, "flow": _FLOW}},
}
"""Settings of the models that continue motion, by model."""

ENCODER = {"layers": 1, "dim": 32, "heads": 4, "inner": 32, "dropout": 0.1}
MASKED: dict[str, Any] = {
    "model": "motionbert",
    "preset": "small",
    "features": {"motion": "rotmat"},
    "dims": "data",
    "config": {"encoder": ENCODER, "hidden": 16},
    "windows": {"frames": 24},
    "training": {
        "batch_size": 4,
        "ema": 0.9,
        "save_every": 1,
        "keep": "last",
        "restart_optimizer": True,
        "stages": [
            {"steps": 4, "lr": "1e-3", "mask": {"shortest": 20}, "schedule": {"kind": "cosine", "warmup": 2}},
            {"steps": 5, "lr": "5e-4", "feedback": 2, "feedback_frames": 3,
             "mask": {"pattern": "suffix", "least": 4, "most": 9, "shortest": 24, "longest": 24, "zero": 1.0, "replace": 0.0}},
            {"steps": 3, "lr": "5e-4", "mask": {"pattern": "every", "every": 5, "shortest": 24, "longest": 24}},
        ],
    },
    "trainer": QUIET,
}  # fmt: skip

GAPS: dict[str, Any] = {
    "model": "inbetweener",
    "dims": "data",
    "config": {"layers": 1, "width": 32, "heads": 2, "inner": 32, "kernel": 3},
    "windows": {"patterns": {"transition": 1.0, "keyframes": 1.0, "spans": 1.0, "longest_gap": 12, "window": 24}},
    "training": {"steps": 40, "batch_size": 8, "lr": 3e-3, "ema": 0.9, "keep": "last"},
    "trainer": QUIET,
}

DANCER: dict[str, Any] = {
    "model": "latent_dancer",
    "features": {"motion": DanceCodec.name, "music": dance_features.NAME, "style": "style"},
    "dims": "data",
    "config": {
        "autoencoder": {"dim": 129, "latent_dim": 8, "encoder_width": 16, "decoder_width": 16},
        "flow": {"latent_dim": 8, "pose_dim": 129, "width": 32, "layers": 1, "heads": 2, "tokens": 16},
    },
    "training": {
        "stages": [
            {"part": "autoencoder", "steps": 4, "batch_size": 4, "frames": 32, "lr": 1e-3, "ema": 0.5},
            {"part": "flow", "steps": 4, "batch_size": 4, "frames": 64, "lr": 1e-3, "ema": 0.5},
        ],
        "keep": "last",
    },
    "trainer": QUIET,
}


def changed(recipe: Mapping[str, Any] = MOGLOW, **training: Any) -> dict[str, Any]:
    """A recipe with other values of `training`."""
    return {**recipe, "training": {**recipe["training"], **training}}


def write_flow_folder(path: Path, frames: tuple[int, ...] = (60, 60, 60, 60)) -> Path:
    """Sequences to train on and the last one held out, of a body whose right hand never moves; styles a, b, a, b ..."""
    random, body = np.random.default_rng(0), house_skeleton()
    rest = Motion(body, np.tile([1.0, 0, 0, 0], (2, len(body), 1)), np.full((2, 3), 0.9), 20)
    codec = codecs.codec("expmap_cr", rest)
    still = [i for i, name in enumerate(codec.columns) if name.startswith("RightHand")]
    features = {"expmap_cr": codec.columns, "sound": ("low", "high")}
    with FeatureFolderWriter(path, fps=20, skeleton=body, features=features, licence="", codecs=[codec]) as writer:
        for i, n in enumerate(frames):
            moves = np.cumsum(0.05 * random.normal(size=(n, len(codec.columns))), axis=0)
            moves[:, still] = 0.25
            sound = random.normal(size=(n, 2))
            split = "val" if i == len(frames) - 1 else "train"
            writer.add(f"s{i}", {"expmap_cr": moves, "sound": sound}, split=split, style="ab"[i % 2])
    return path


def sway(frames: int, phase: float) -> np.ndarray:
    """A smooth motion of SKELETON as features of the codec rotmat, [T, 9 J + 3], 30 fps."""
    t = np.arange(frames) / 30 + phase
    turns = np.stack([0.6 * np.sin(2 * t + k)[:, None] * np.eye(3)[k] for k in range(3)], axis=1)
    turns[:, 0, 1] += phase + 0.3 * t
    path = np.stack((np.sin(t) + phase, 0.9 + 0.05 * np.sin(6 * t), 0.4 * t), axis=-1)
    motion = Motion(SKELETON, rot.from_rotvec(turns), path, 30.0)
    return RotMat(30.0, SKELETON).encode(motion).astype(np.float32)


def write_masked_folder(path: Path) -> Path:
    """Three swaying sequences to train on and one held out, with noise for music."""
    codec, random = RotMat(30.0, SKELETON), np.random.default_rng(0)
    features = {"rotmat": codec.columns, "sound": ("a", "b")}
    with FeatureFolderWriter(
        path, fps=30, skeleton=SKELETON, features=features, licence="none", codecs=[codec]
    ) as writer:
        for i in range(4):
            music = 3 + random.normal(size=(60, 2))
            writer.add(f"s{i}", {"rotmat": sway(60, 1.7 * i), "sound": music}, split="val" if i == 3 else "train")
    return path


def groove(number: int, frames: int = 150) -> Motion:
    """A made dance, 30 fps."""
    from farandole.data.starter.groove_clips import groove_clip

    return groove_clip(number).motion.slice(0, frames)


def dance_music(frames: int, bpm: float = 100.0, count: float = 0.0) -> np.ndarray:
    """Features of a steady beat without sound, [T, 17]."""
    counts = count + np.arange(frames) / 30 * bpm / 60
    rest = (np.full(frames, bpm), np.zeros(frames), np.zeros((frames, 4)), np.zeros(frames))
    return dance_features.dance_music_features(counts, *rest)


def write_dance_folder(path: Path, held_out: str = "test") -> Path:
    """Two made dances of two styles and one held out."""
    codec = DanceCodec()
    features = {codec.name: codec.columns, dance_features.NAME: dance_features.COLUMNS}
    with FeatureFolderWriter(
        path, fps=30.0, skeleton=codec.skeleton, features=features, licence="free", codecs=[codec]
    ) as writer:
        for n, style in enumerate(("calm", "wild", "wild")):
            arrays = {codec.name: codec.encode(groove(n)), dance_features.NAME: dance_music(150)}
            writer.add(f"groove_{n}", arrays, split=held_out if n == 2 else "train", style=style)
    return path


def toy(values: Mapping[str, Any], folder: Path, seed: int = 0) -> tuple[Recipe, Any, Any, Any]:
    """A recipe on a folder, its fresh model, its data and its objective."""
    corpus = FeatureFolder(folder)
    recipe = read_values(values, corpus)
    take_rate(recipe, corpus)
    torch.manual_seed(seed)
    model = model_type(recipe.model)(recipe.config)
    data = make_data(recipe, model, corpus)
    return recipe, model, data, objective_of(recipe.model)(model, recipe.objective, data.facts())


class Losses(lightning.Callback):
    """Loss of every step, and of every validation, by the number of the step."""

    def __init__(self) -> None:
        self.train: dict[int, float] = {}
        self.held_out: dict[int, float] = {}

    def on_train_batch_end(self, trainer, task, outputs, batch, index) -> None:
        self.train[trainer.global_step] = outputs["loss"].item()

    def on_validation_end(self, trainer, task) -> None:
        self.held_out[trainer.global_step] = trainer.callback_metrics["held_out/loss"].item()


class Stop(Exception):
    """Stands for a killed process."""


class StopAt(lightning.Callback):
    """Ends the process, as it were, after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer, *_) -> None:
        if trainer.global_step == self.step:
            raise Stop


def last_state(run: Path) -> dict[str, Any]:
    """The state of training that a run would go on from."""
    return torch.load(run / "states" / "last.ckpt", weights_only=True)


def write_jump_folder(path: Path, train: int = 3, held_out: int = 1, frames: int = 30) -> Path:
    """Four columns that jump to where two columns of sound point: hard to guess from the past alone, easy with both."""
    mix, random = np.random.default_rng(99).normal(size=(2, 4)), np.random.default_rng(0)
    features = {"pose": ["a", "b", "c", "d"], "sound": ["x", "y"]}
    with FeatureFolderWriter(path, fps=20, skeleton=house_skeleton(), features=features, licence="none") as writer:
        for i in range(train + held_out):
            sound, pose = random.normal(size=(frames, 2)), np.zeros((frames, 4))
            for t in range(1, frames):
                pose[t] = 0.5 * pose[t - 1] + sound[t] @ mix * 0.5 + 0.1 * random.normal(size=4)
            writer.add(f"s{i}", {"pose": pose, "sound": sound}, split="train" if i < train else "val")
    return path


def jumping(model: str, dropout: float = 0.0, **training: Any) -> dict[str, Any]:
    """A recipe for that folder."""
    encoder = {"dim": 8, "heads": 2, "layers": 2, "input_layers": 1, "dropout": dropout}
    config = {**FLOWS["transflower"], "encoder": encoder, "flow": {**_FLOW, "dropout": dropout}}
    if model == "moglow":
        config = {"past": 3, "heard": 4, "frames": 6, "pose_dropout": dropout, "glow": {"steps": 2, "dim": 8}}
    values = {"model": model, "preset": "farandole", "features": {"motion": "pose", "audio": "sound"}, "dims": "data"}
    return {
        **values,
        "config": config,
        "training": {"batch_size": 8, "lr": 1e-3, "steps": 6, **training},
        "trainer": QUIET,
    }


def fit(values: Mapping[str, Any], folder: Path, place: Path, *callbacks: Any, **options: Any) -> Any:
    """Train the task of a recipe with a plain trainer; returns it."""
    from farandole.training.run_loaders import RunLoaders
    from farandole.training.task import Task

    recipe, model, data, objective = toy(values, folder)
    settings, plan = recipe.training, recipe.plan
    loaders = RunLoaders(data, plan, accumulate=settings.accumulate, workers=settings.workers, seed=settings.seed)
    task = Task(model, objective, settings, plan, epoch_batches=data.epoch_batches)
    task.start(loaders.first_batch())
    trainer = lightning.Trainer(**{
        "max_steps": plan.steps, "accelerator": "cpu", "devices": 1, "logger": False, "enable_checkpointing": False,
        "enable_progress_bar": False, "enable_model_summary": False, "callbacks": list(callbacks), "default_root_dir": place,
        "num_sanity_val_steps": 0, "use_distributed_sampler": False, "gradient_clip_val": 0.5, "limit_val_batches": 0,
        "accumulate_grad_batches": settings.accumulate, "precision": settings.precision, **options,
    })  # fmt: skip
    trainer.fit(task, datamodule=loaders)
    return task
