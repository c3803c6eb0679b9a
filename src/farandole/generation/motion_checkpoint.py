"""Checkpoints of the flow family: what generation must know of a model, without loading it and without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from farandole.data.feature_folder import Scaler
from farandole.errors import CheckpointError
from farandole.generation.checkpoint import Checkpoint, find_checkpoint
from farandole.models.registry import MODELS

if TYPE_CHECKING:
    from farandole.models.base import MotionModel
    from farandole.motion.codecs import Codec

TARGET = "motion"
"""Modality that models of the flow family generate."""


@dataclass(frozen=True)
class InputWindow:
    """A window that one sampling step reads; fields as those of `models.layers.multimodal.Modality`."""

    name: str
    dim: int
    frames: int
    offset: int = 0
    tokens: int = 0
    fixed: bool = False


class MotionCheckpoint(Checkpoint):
    """A folder that `farandole train` makes from a recipe of the flow family.

    Raises:
        CheckpointError: If the folder is incomplete, damaged, of another schema or of another kind of model.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.is_one(self):
            raise CheckpointError(f"{self.folder} holds no model of the flow family ({', '.join(MODELS)})")

    @staticmethod
    def is_one(checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint holds a model of the flow family."""
        return checkpoint.config.get("model") in MODELS

    @property
    def model(self) -> str:
        """Name of the model, a key of `models.registry.MODELS`."""
        return self.config["model"]

    @property
    def fps(self) -> float:
        """Frame rate of features and motion."""
        return float(self.config["fps"])

    @property
    def features(self) -> dict[str, str]:
        """Modality -> name of its feature in feature folders."""
        return self.config["features"]

    @cached_property
    def generation_inputs(self) -> tuple[InputWindow, ...]:
        """Windows that a sampling step reads."""
        return tuple(InputWindow(**told) for told in self.config["sampling"]["inputs"])

    @property
    def target(self) -> InputWindow:
        """The window that a step predicts; its offset is that of the first predicted frame."""
        return InputWindow(**self.config["sampling"]["target"])

    @property
    def generation_frames(self) -> int:
        """Frames that a sampling step predicts."""
        return self.target.frames

    @property
    def seed(self) -> InputWindow | None:
        """The window of motion that a dance begins from, if the model looks at one."""
        return next((m for m in self.generation_inputs if m.name == self.target.name), None)

    @cached_property
    def scalers(self) -> dict[str, Scaler]:
        """Modality -> statistics of its feature over the training data."""
        return {k: Scaler.from_json(v) for k, v in self._json("scalers.json").items()}

    @cached_property
    def codec(self) -> Codec:
        """From generated features to motion.

        Raises:
            CheckpointError: If the feature is not one of farandole's motion codecs.
            DataError: If another version of the codec made the training data.
        """
        from farandole.motion import codecs

        if self.config["codec"] is None:
            raise CheckpointError(
                f"{self.folder}: '{self.features[TARGET]}' is no motion codec, so no motion can be made"
            )
        return codecs.from_json(self.config["codec"], self.fps, self.skeleton)

    @property
    def step(self) -> Path:
        """ONNX file of the sampling step."""
        return self.folder / "model.onnx"

    def load(self) -> MotionModel:
        """The model with its weights, in evaluation mode. Needs torch.

        Raises:
            CheckpointError: If weights and configuration do not fit each other.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from farandole.models.registry import model_type
        from farandole.models.settings import build

        kind = model_type(self.model)
        model = kind(build(kind.Config, self.config["config"], f"{self.folder / 'config.yaml'}: config"))
        if not self.weights.is_file():
            raise CheckpointError(f"{self.folder} is not a checkpoint: {self.weights.name} is missing")
        try:
            model.load_state_dict(load_file(self.weights))
        except SafetensorError as error:
            raise CheckpointError(f"{self.weights} is damaged: {error}") from error
        except RuntimeError as error:
            detail = " ".join(str(error).splitlines()[-1].split())
            raise CheckpointError(f"{self.weights} does not fit config.yaml beside it: {detail}") from error
        return model.eval()


def find_motion_checkpoint(run: str | Path) -> MotionCheckpoint:
    """The checkpoint of a run's folder (or that folder itself).

    Raises:
        CheckpointError: If it is no such folder, holds another kind of model, or its training has not come to an end.
    """
    if (Path(run) / "logs").is_dir() and not (Path(run) / "checkpoint").is_dir():
        raise CheckpointError(
            f"{run} has no checkpoint yet: let its training end (farandole train ... -o {run} --resume)"
        )
    return MotionCheckpoint(find_checkpoint(run).folder)
