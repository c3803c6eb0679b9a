"""What is in a checkpoint folder, field by field. Read by pydantic: unknown, missing and wrong keys are told together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from farandole.errors import CheckpointError
from farandole.models.abilities import Abilities, Autoregressive, CurveCorrection, LatentFlow, Masked

SCHEMA = 2
"""Counted up whenever a key changes its meaning."""

FILES = ("config.json", "scalers.json", "skeleton.json", "card.md")
"""What every checkpoint folder holds beside weights or networks."""

M = TypeVar("M")
MOST = 1e9
"""Size of a number in a feature at most: more is damage, and no model's arithmetic."""
FARTHEST = 100.0
"""Length of a bone along an axis at most, m."""
Number = Annotated[float, Field(ge=-MOST, le=MOST)]
Positive = Annotated[float, Field(gt=0, le=MOST)]
Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]


class Strict(BaseModel):
    """Immutable, and without keys that nobody reads."""

    # Each is worked out once, as part of the file that holds it.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class CodecFacts(Strict):
    """The motion codec of the features that a model makes; see `motion.codecs.from_json`."""

    name: str
    version: int
    settings: dict[str, Any] = {}


class DataFacts(Strict):
    """What a model was trained on."""

    name: str = ""
    sequences: int = 0
    minutes: float = 0.0


class ExportFacts(Strict):
    """How the exported networks were compared with torch."""

    difference: float
    """Largest difference found, relative where numbers are above 1."""
    tolerance: float


class CheckpointConfig(Strict):
    """config.json."""

    schema_: Annotated[Literal[2], Field(alias="schema")]
    farandole: str
    """Version that wrote it."""
    packages: dict[str, str] = {}
    """Releases of packages that may change what the model or a music feature gives."""
    model: str
    """Name in the registry of models."""
    preset: str = ""
    """Settings that `config` was made from."""
    parameters: Annotated[int, Field(ge=0)]
    """Number of the model's weights."""
    fps: Annotated[float, Field(ge=1, le=1000)]
    """Frame rate of features and motion."""
    features: dict[str, str]
    """Modality -> feature."""
    codec: CodecFacts | None = None
    """From generated features to motion; None if they are no motion."""
    labels: tuple[str, ...] = ()
    """Names of the classes of a label input, in order."""
    abilities: Abilities
    completion: Annotated[Autoregressive | LatentFlow | Masked | CurveCorrection, Field(discriminator="kind")]
    """How it completes a partial motion."""
    config: dict[str, Any]
    """The model's own settings."""
    recipe: dict[str, Any] = {}
    """What it was trained by."""
    steps: Annotated[int, Field(ge=0)] = 0
    """Optimiser steps taken."""
    stored: Literal["float16", "float32"] = "float32"
    """Precision of the weights in their files; all engines compute in 32 bits."""
    held_out: dict[str, float] = {}
    """Losses on held-out data."""
    data: DataFacts = DataFacts()
    licence: str = ""
    """Terms of the data."""
    terms: str = ""
    """Terms of the weights; empty: they depend on those of the data."""
    exported: ExportFacts | None = None


class ScalerFacts(Strict):
    """Statistics of the columns of a feature."""

    mean: tuple[Number, ...]
    std: tuple[Positive, ...]
    minimum: tuple[Number, ...] = ()
    maximum: tuple[Number, ...] = ()


Point = tuple[Coordinate, Coordinate, Coordinate]


class SkeletonFacts(Strict):
    """skeleton.json."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets_m: tuple[Point, ...]
    end_sites_m: dict[str, Point] = {}


SCALERS: TypeAdapter[dict[str, ScalerFacts]] = TypeAdapter(dict[str, ScalerFacts])
CONFIG: TypeAdapter[CheckpointConfig] = TypeAdapter(CheckpointConfig)
SKELETON: TypeAdapter[SkeletonFacts | None] = TypeAdapter(SkeletonFacts | None)


def read(kind: TypeAdapter[M], path: Path) -> M:
    """A JSON file as what it must hold.

    Raises:
        CheckpointError: If it is missing, no JSON, or holds something else; all faults in one line.
    """
    try:
        return kind.validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        raise CheckpointError(f"{path}: {faults(error)}") from error


def faults(error: ValidationError, *, most: int = 6) -> str:
    """All faults that pydantic found in one line: `key: what is wrong`."""
    found = [
        _fault(e["loc"], e["msg"]) for e in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(found[:most]) + more


def _fault(place: Iterable[Any], message: str) -> str:
    where = ".".join(str(part) for part in place)
    return f"{where}: {message}" if where else message
