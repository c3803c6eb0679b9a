"""Checkpoint folders: weights, configuration, scales, skeleton, card. Nothing in them can run code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from farandole.data.feature_folder import skeleton_from_json
from farandole.errors import CheckpointError
from farandole.motion.rotations import Array
from farandole.motion.skeleton import Skeleton

SCHEMA = 1
FILES = ("config.yaml", "scalers.json", "skeleton.json", "card.md")
NETWORKS = ("encoder", "decoder", "flow")


@dataclass(frozen=True)
class Checkpoint:
    """A folder made by `farandole train starter`.

    `config.yaml` is written as JSON, which is YAML too, so that generation needs no YAML reader.

    Raises:
        CheckpointError: If the folder is incomplete or of another schema.
    """

    folder: Path

    def __post_init__(self) -> None:
        missing = [n for n in FILES if not (self.folder / n).is_file()]
        if missing:
            raise CheckpointError(f"{self.folder} is not a checkpoint: {missing[0]} is missing")
        if self.config.get("schema") != SCHEMA:
            raise CheckpointError(
                f"{self.folder} has schema {self.config.get('schema')}, this version of farandole reads schema {SCHEMA}"
            )

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.folder / name).read_text())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{self.folder / name} is damaged: {error}") from error

    @cached_property
    def config(self) -> dict[str, Any]:
        """Facts by name: codec, fps, music features, styles, sizes, recipe, held-out losses."""
        return self._json("config.yaml")

    @cached_property
    def scales(self) -> dict[str, Array]:
        """Mean and deviation of pose features and latents, each [D] or [Z] float32."""
        return {k: np.array(v, dtype=np.float32) for k, v in self._json("scalers.json").items()}

    @cached_property
    def skeleton(self) -> Skeleton:
        """The body the model moves."""
        return skeleton_from_json(self._json("skeleton.json"))

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def styles(self) -> tuple[str, ...]:
        """Style tokens in the model's order; none of a model that does not dance to music."""
        return tuple(self.config.get("styles", ()))

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / "model.safetensors"

    def onnx(self, network: str) -> Path:
        """ONNX file of encoder, decoder or flow."""
        return self.folder / f"{network}.onnx"


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    folder = resources.files("farandole.models").joinpath("shipped")
    return sorted(f.name for f in folder.iterdir() if f.is_dir()) if folder.is_dir() else []


def find_checkpoint(name: str | Path) -> Checkpoint:
    """A checkpoint by shipped name or by folder (a run's folder works too).

    Raises:
        CheckpointError: If there is none; the message lists the shipped names.
    """
    if str(name) in shipped_models():
        return Checkpoint(Path(str(resources.files("farandole.models") / "shipped" / str(name))))
    folder = Path(name)
    if (folder / "checkpoint").is_dir():
        folder = folder / "checkpoint"
    if not folder.is_dir():
        raise CheckpointError(f"no model '{name}': give a checkpoint folder or one of: {', '.join(shipped_models())}")
    return Checkpoint(folder)
