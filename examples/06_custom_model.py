"""A model of your own.

One class with `@register`, one recipe: trained, then used by `dance` like any other. The data are four
procedural dances, the network is tiny and learns for a few seconds, so do not expect art. A package of yours
would name the class in the entry point group `farandole.models`, and `farandole train` would find it.

Needs `pip install 'farandole[train]'`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import farandole as fa
from farandole.data.feature_folder import FeatureFolderWriter
from farandole.data.starter.groove.dancer import groove
from farandole.data.starter.songs import compose
from farandole.models.base import ModelConfig, MotionModel
from farandole.models.layers.multimodal import Modality
from farandole.models.registry import register
from farandole.motion import codecs
from farandole.music.features import features
from farandole.training.run import train

FPS = 20


@dataclass(frozen=True)
class StepperConfig(ModelConfig):
    """Settings: what a recipe's `config` may change."""

    motion: int = 67
    """Motion features per frame."""
    audio: int = 7
    """Music features per frame."""
    past: int = 4
    """Frames that it looks back."""
    width: int = 64
    """Of the hidden layer."""

    @property
    def dims(self) -> dict[str, int]:
        """Columns of each modality."""
        return {"motion": self.motion, "audio": self.audio}

    def fitted(self, dims: Mapping[str, int], still: tuple[int, ...] = ()) -> StepperConfig:
        """The settings for the columns of given data."""
        return replace(self, motion=dims.get("motion", self.motion), audio=dims.get("audio", self.audio))


@register("example_stepper")
class Stepper(MotionModel):
    """The next pose is normally distributed about the last one and a step that past and music suggest."""

    Config = StepperConfig

    def __init__(self, config: StepperConfig) -> None:
        super().__init__()
        self.config = config
        self.inputs = (Modality("motion", config.motion, config.past), Modality("audio", config.audio, config.past + 1))
        self.target = Modality("motion", config.motion, 1, config.past)  # one frame, right after the past
        self.latent_channels = config.motion
        seen = config.past * config.motion + (config.past + 1) * config.audio
        self.net = nn.Sequential(nn.Linear(seen, config.width), nn.Tanh(), nn.Linear(config.width, config.motion))
        self.log_scale = nn.Parameter(torch.full((config.motion,), -2.0))

    def _mean(self, windows: Mapping[str, Tensor]) -> Tensor:
        """Windows [B, P, D] and [B, P + 1, A] -> mean of the next pose [B, 1, D]."""
        seen = torch.cat((windows["motion"].flatten(1), windows["audio"].flatten(1)), dim=-1)
        return windows["motion"][:, -1:] + self.net(seen).unsqueeze(1)

    def forward(self, windows: Mapping[str, Tensor], target: Tensor) -> dict[str, Tensor]:
        """Negative log-likelihood of the target [B, 1, D], without its constant."""
        z = (target - self._mean(windows)) * (-self.log_scale).exp()
        loss = (0.5 * z.square() + self.log_scale).sum(dim=-1).mean()
        return {"loss": loss, "nll": loss.detach()}

    def sample(self, windows, *, noise=None, temperature=1.0, generator=None, state=None):
        """A draw of the next pose [B, 1, D]."""
        mean = self._mean(windows)
        z = torch.randn(mean.shape, generator=generator) if noise is None else noise
        return mean + temperature * self.log_scale.exp() * z, None


RECIPE = {
    "about": "A stepper in a few seconds.",
    "model": "example_stepper",
    "features": {"motion": "expmap_cr", "audio": "beats"},
    "dims": "data",
    "windows": {"stride": 2},
    "training": {"steps": 200, "batch_size": 16, "lr": 0.001, "export": False},
}


def make_data(folder: Path, seconds: float) -> None:
    """A feature folder of four procedural dances, each to the beats of a composed song."""
    made = compose(100.0, seconds, genre="pop", seed=1)
    sound = features(fa.Song.from_samples(made.samples, made.sample_rate), "beats", FPS)
    motions = [groove(np.arange(int(seconds * 30)) / 30 * 100 / 60, seed=seed).resample(FPS) for seed in range(4)]
    codec = codecs.codec("expmap_cr", motions[0])
    columns = {codec.name: list(codec.columns), "beats": [str(k) for k in range(sound.shape[1])]}
    with FeatureFolderWriter(
        folder, fps=FPS, skeleton=motions[0].skeleton, features=columns, licence="made up", codecs=[codec]
    ) as writer:
        for k, motion in enumerate(motions):
            frames = min(len(motion), len(sound))
            arrays = {codec.name: codec.encode(motion)[:frames], "beats": sound[:frames]}
            writer.add(f"groove{k}", arrays, split=("train", "train", "val", "test")[k])


def main(out: Path = Path("stepper"), steps: int = 200, seconds: float = 20.0) -> fa.Motion:
    """Train it, and dance with it."""
    make_data(out / "data", seconds)
    held_out = train(RECIPE, out / "data", out / "run", changes=[f"training.steps={steps}"])
    print("held out:", held_out)
    made = compose(108.0, seconds, genre="disco", seed=9)
    song = fa.Song.from_samples(made.samples, made.sample_rate, name="disco")
    return fa.dance(song, model=out / "run", seed=1, seconds=min(seconds, 5.0))


if __name__ == "__main__":
    main().save("stepper/dance.bvh", force=True)
