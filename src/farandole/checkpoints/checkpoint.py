"""Reading checkpoint folders: weights, configuration, scales, skeleton, card. Nothing in them can run code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from farandole.checkpoints.schema import CONFIG, FILES, SCALERS, SCHEMA, SKELETON, CheckpointConfig, read
from farandole.data.scaler import Scaler
from farandole.errors import CheckpointError, FarandoleError
from farandole.models.abilities import Abilities, Completion

if TYPE_CHECKING:
    from farandole.motion.codecs import Codec
    from farandole.motion.skeleton import Skeleton

WEIGHTS = "model.safetensors"
OLD_CONFIG = "config.yaml"
"""Where schema 1 kept its configuration."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder made by `farandole train`, read and checked whole.

    Raises:
        CheckpointError: If the folder is incomplete or of another schema, or a field is not what it must be.
    """

    folder: Path

    def __post_init__(self) -> None:
        missing = [n for n in FILES if not (self.folder / n).is_file()]
        if missing and (self.folder / OLD_CONFIG).is_file():
            raise CheckpointError(
                f"{self.folder} was written by an older version of farandole (schema 1; this one reads {SCHEMA}): train it again"
            )
        if missing:
            raise CheckpointError(f"{self.folder} is not a checkpoint: {missing[0]} is missing")
        assert self.config is not None
        assert self.scalers is not None
        assert self.skeleton is None or len(self.skeleton)

    @cached_property
    def config(self) -> CheckpointConfig:
        """Everything in config.json."""
        return read(CONFIG, self.folder / "config.json")

    @cached_property
    def scalers(self) -> dict[str, Scaler]:
        """Modality -> statistics of its feature."""
        path = self.folder / "scalers.json"
        scalers = {}
        for name, facts in read(SCALERS, path).items():
            columns = [np.array(x, dtype=float) for x in (facts.mean, facts.std, facts.minimum, facts.maximum)]
            if len({len(x) for x in columns if len(x)}) != 1 or len(columns[0]) != len(columns[1]):
                raise CheckpointError(f"{path}: {name}: mean, std, minimum and maximum differ in length")
            scalers[name] = Scaler(*columns)
        return scalers

    @cached_property
    def skeleton(self) -> Skeleton | None:
        """The body that the model moves; None for features that are no motion."""
        from farandole.motion.skeleton import Skeleton

        path = self.folder / "skeleton.json"
        facts = read(SKELETON, path)
        if facts is None:
            return None
        try:
            return Skeleton(facts.names, facts.parents, facts.offsets_m, facts.end_sites_m)
        except (FarandoleError, ValueError, IndexError) as error:
            raise CheckpointError(f"{path}: {error}") from error

    @cached_property
    def codec(self) -> Codec:
        """From generated features to motion.

        Raises:
            CheckpointError: If the features are no motion, or another version of the codec made the training data.
        """
        from farandole.motion import codecs

        if self.config.codec is None or self.skeleton is None:
            raise CheckpointError(
                f"{self.folder}: the features it makes ({', '.join(self.config.features.values())}) are no motion"
            )
        facts = self.config.codec
        try:
            return codecs.from_json(facts.model_dump(), self.config.fps, self.skeleton)
        except (FarandoleError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.folder / 'config.json'}: codec: {_told(error)}") from error

    def body(self) -> Skeleton:
        """The skeleton. Raises CheckpointError if the model makes no motion."""
        if self.skeleton is None:
            raise CheckpointError(f"{self.folder} has no skeleton: its features are no motion")
        return self.skeleton

    def feature(self, modality: str) -> str:
        """Name of a modality's feature. Raises CheckpointError if config.json does not say it."""
        if modality not in self.config.features:
            raise CheckpointError(f"{self.folder / 'config.json'}: features: {modality} is missing")
        return self.config.features[modality]

    def scaler(self, modality: str, columns: int) -> Scaler:
        """Statistics of a modality. Raises CheckpointError if they are missing or have another number of columns."""
        scaler = self.scalers.get(modality)
        if scaler is None or len(scaler.mean) != columns:
            given = "missing" if scaler is None else f"for {len(scaler.mean)} columns, not {columns}"
            raise CheckpointError(f"{self.folder / 'scalers.json'}: {modality} is {given}")
        return scaler

    @property
    def name(self) -> str:
        """How a user calls it: the name of a shipped model, or of the run's folder."""
        return self.folder.parent.name if self.folder.name == "checkpoint" else self.folder.name

    @property
    def argument(self) -> str:
        """What names it in a command: the name of a shipped model, or the path of the run or folder."""
        if self.folder.parent == _shipped():
            return self.folder.name
        return str(self.folder.parent if self.folder.name == "checkpoint" else self.folder)

    @property
    def fps(self) -> float:
        """Frame rate of features and motion."""
        return self.config.fps

    @property
    def abilities(self) -> Abilities:
        """What the model can use and make."""
        return self.config.abilities

    @property
    def completion(self) -> Completion:
        """How it completes a partial motion."""
        return self.config.completion

    @property
    def card(self) -> str:
        """Its card, Markdown. Raises CheckpointError if it is no text, or none is there."""
        path = self.folder / "card.md"
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise CheckpointError(f"{path} is damaged: {error}") from error
        if not text.strip():
            raise CheckpointError(f"{path} is empty")
        return text

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / WEIGHTS

    def onnx(self, network: str) -> Path:
        """ONNX file of a network."""
        return self.folder / f"{network}.onnx"

    @property
    def exported(self) -> tuple[str, ...]:
        """Names of the networks that lie there as ONNX files."""
        return tuple(sorted(p.stem for p in self.folder.glob("*.onnx")))


def _told(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    folder = _shipped()
    return sorted(f.name for f in folder.iterdir() if f.is_dir()) if folder.is_dir() else []


def find_checkpoint(name: str | Path) -> Checkpoint:
    """A checkpoint by shipped name or by folder (a run's folder works too).

    A word is the name of a shipped model first; a folder of the same name is meant by ./NAME.

    Raises:
        CheckpointError: If there is none; the message lists the shipped names and, for a run, says how to end its training.
    """
    if isinstance(name, str) and name in shipped_models():
        return Checkpoint(_shipped() / name)
    folder = Path(name)
    if (folder / "checkpoint").is_dir():
        folder = folder / "checkpoint"
    elif (folder / "logs").is_dir():
        raise CheckpointError(
            f"{name} has no checkpoint yet: let its training end (farandole train ... -o {name} --resume)"
        )
    if not folder.is_dir():
        raise CheckpointError(f"no model '{name}': give a checkpoint folder or one of: {', '.join(shipped_models())}")
    return Checkpoint(folder)


def _shipped() -> Path:
    return Path(str(resources.files("farandole.models") / "shipped"))


def known_checkpoints(runs: Path = Path("runs")) -> list[Checkpoint]:
    """The shipped models and those of the runs in a folder that can be read."""
    found = []
    for name in (*shipped_models(), *sorted(runs.glob("*"), key=str)):
        try:
            found.append(find_checkpoint(name))
        except FarandoleError:
            continue  # unfinished or damaged: nothing to offer
    return found
