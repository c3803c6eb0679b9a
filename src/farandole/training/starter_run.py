"""`farandole train starter`: from the starter corpus to a checkpoint folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from torch.utils.data import DataLoader

from farandole._memory import keep_all_freed_memory
from farandole.data.feature_folder import FeatureFolder
from farandole.data.starter import STYLES
from farandole.errors import DataError
from farandole.models.autoencoder import FRAMES_PER_TOKEN, AutoencoderConfig
from farandole.models.window_flow import WindowFlowConfig
from farandole.motion.dance_codec import GROUPS, DanceCodec
from farandole.music import dance_features
from farandole.training.starter import AutoencoderTask, WindowFlowTask
from farandole.training.starter_data import WindowBatches, pose_scale


@dataclass(frozen=True)
class StageConfig:
    """How long and on what one stage trains."""

    steps: int = 1500
    batch_size: int = 32
    frames: int = 64
    """Window length, frames."""
    lr: float = 1e-3
    ema: float = 0.998


@dataclass(frozen=True)
class StarterRecipe:
    """Everything needed to repeat the training of the starter model."""

    seed: int = 7
    threads: int = 2
    """CPU threads of torch."""
    style_weights: dict[str, float] = field(
        default_factory=lambda: {"salsa lead": 0.35, "salsa follow": 0.35, "groove": 0.3}
    )
    """Share of training windows per style."""
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    flow: WindowFlowConfig = field(default_factory=WindowFlowConfig)
    autoencoder_stage: StageConfig = field(default_factory=StageConfig)
    flow_stage: StageConfig = field(
        default_factory=lambda: StageConfig(steps=3000, batch_size=40, frames=128, ema=0.999)
    )

    @classmethod
    def from_mapping(cls, values: dict[str, Any]) -> StarterRecipe:
        """A recipe from nested plain values, as YAML gives them. Raises DataError that names unknown keys."""
        return _build(cls, values, "recipe")


def _build(cls: type, values: dict[str, Any], where: str) -> Any:
    known = {f.name: f for f in fields(cls)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise DataError(f"{where} has no key '{unknown[0]}'; there are: {', '.join(known)}")
    made = {}
    for name, value in values.items():
        default = getattr(cls(), name)
        made[name] = _build(type(default), value, f"{where}.{name}") if is_dataclass(default) else type(default)(value)
    return cls(**made)


def train_starter(
    recipe: StarterRecipe, data: Path, run: Path, *, callbacks: list[Any] | None = None
) -> dict[str, Any]:
    """Train both stages and write `run`/checkpoint (safetensors, ONNX, configuration, card).

    Logs for TensorBoard lie in `run`/logs.

    Returns:
        Held-out losses by name.
    """
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    torch.set_num_threads(recipe.threads)
    corpus = FeatureFolder(data)
    codec = DanceCodec(corpus.fps)
    mean, std = (torch.from_numpy(a) for a in pose_scale(corpus))
    autoencoder = AutoencoderTask(
        recipe.autoencoder, codec, mean, std, steps=recipe.autoencoder_stage.steps, lr=recipe.autoencoder_stage.lr,
        ema=recipe.autoencoder_stage.ema, seed=recipe.seed,
    )  # fmt: skip
    results = _fit(autoencoder, recipe, recipe.autoencoder_stage, corpus, run, "autoencoder", callbacks)
    net = autoencoder.average.module.eval()
    latent_mean, latent_std = _latent_scale(net.encoder, recipe, corpus)
    flow = WindowFlowTask(
        recipe.flow, net.encoder, codec, latent_mean, latent_std, steps=recipe.flow_stage.steps, lr=recipe.flow_stage.lr,
        ema=recipe.flow_stage.ema, seed=recipe.seed,
    )  # fmt: skip
    results |= _fit(flow, recipe, recipe.flow_stage, corpus, run, "flow", callbacks)

    from farandole.training.export import write_checkpoint

    write_checkpoint(
        run / "checkpoint",
        autoencoder=net,
        flow=flow.average.module.eval(),
        scales={"pose_mean": mean, "pose_std": std, "latent_mean": latent_mean, "latent_std": latent_std},
        facts={
            "codec": codec.name,
            "fps": corpus.fps,
            "music": dance_features.NAME,
            "styles": list(STYLES),
            "groups": list(GROUPS),
            "frames_per_token": FRAMES_PER_TOKEN,
            "recipe": asdict(recipe),
            "held_out": results,
            "licence": corpus.licence,
        },
        skeleton=corpus.skeleton,
    )
    return results


def _fit(
    task: lightning.LightningModule, recipe: StarterRecipe, stage: StageConfig, corpus: FeatureFolder, run: Path, name: str,
    callbacks: list[Any] | None,
) -> dict[str, float]:  # fmt: skip
    from lightning.pytorch.loggers import TensorBoardLogger

    train = WindowBatches(
        corpus,
        "train",
        frames=stage.frames,
        batch_size=stage.batch_size,
        style_weights=recipe.style_weights,
        seed=recipe.seed,
    )
    held_out = WindowBatches(
        corpus, "test", frames=stage.frames, batch_size=64, style_weights=recipe.style_weights, phase_jitter=0.0, seed=1
    )
    keep_all_freed_memory()
    trainer = lightning.Trainer(
        max_steps=stage.steps,
        val_check_interval=min(500, stage.steps),
        limit_val_batches=4,
        num_sanity_val_steps=0,
        gradient_clip_val=1.0,
        logger=TensorBoardLogger(run / "logs", name=name),
        log_every_n_steps=25,
        enable_checkpointing=False,
        enable_model_summary=False,
        accelerator="auto",
        devices=1,
        callbacks=list(callbacks or []),
    )
    load = lambda batches: DataLoader(batches, batch_size=None)  # noqa: E731
    trainer.fit(task, load(train), load(held_out))
    trainer.validate(task, load(held_out), verbose=False)
    return {k: round(float(v), 5) for k, v in trainer.callback_metrics.items() if "held_out" in k}


@torch.no_grad()
def _latent_scale(
    encoder: torch.nn.Module, recipe: StarterRecipe, corpus: FeatureFolder
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the latents over training windows, each [Z]."""
    batches = WindowBatches(
        corpus,
        "train",
        frames=recipe.flow_stage.frames,
        batch_size=256,
        style_weights=recipe.style_weights,
        seed=recipe.seed,
    )
    z, _ = encoder(batches.draw(torch.Generator().manual_seed(recipe.seed))["pose"])
    return z.mean(dim=(0, 1)), z.std(dim=(0, 1)).clamp_min(1e-3)
