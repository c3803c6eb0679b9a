"""What corpus.json of a feature folder may hold. Everything wrong with one is told in one line, with its key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from farandole._io import read_json
from farandole.errors import DataError

SCHEMA = 1
_TOLD = 4  # problems that one message names

Metres = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=3, max_length=3)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class SkeletonEntry(_Strict):
    """The body of a corpus: names, parents (-1 for the root), offsets and end sites in m."""

    names: Annotated[list[str], Field(min_length=1)]
    parents: list[int]
    offsets_m: list[Metres]
    end_sites_m: dict[str, Metres] = {}


class CodecEntry(_Strict):
    """What `motion.codecs.to_json` tells of a codec."""

    name: str
    version: int
    settings: dict[str, Any] = {}


class SequenceEntry(BaseModel):
    """What is known of one sequence; more keys (bpm, dancer ...) may stand beside these."""

    model_config = ConfigDict(strict=True, extra="allow")

    frames: Annotated[int, Field(ge=0)]
    split: str = ""
    style: str = ""
    copy_of: str = ""
    source: str = ""


class ProblemEntry(_Strict):
    """Something wrong with a recording, for a person to read."""

    name: str
    problem: str


class RecordEntry(BaseModel):
    """What `prepare` keeps of a recording that it made features of."""

    model_config = ConfigDict(strict=True, extra="allow")

    key: str
    sources: dict[str, str]
    outputs: dict[str, str]
    sequences: dict[str, SequenceEntry]


class CorpusEntry(_Strict):
    """corpus.json. `fps` and `skeleton` are null where arrays came without them."""

    fps: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None
    licence: str
    skeleton: SkeletonEntry | None
    features: dict[str, list[str]]
    codecs: dict[str, CodecEntry] = {}
    sequences: dict[str, SequenceEntry]
    problems: list[ProblemEntry] = []
    records: dict[str, RecordEntry] = {}
    recipe: str = ""


def read_corpus(path: Path) -> dict[str, Any]:
    """corpus.json as plain values, every one of the type it must have.

    Raises:
        DataError: If it is damaged, of another schema, or wrong; the message names the keys.
    """
    corpus = read_json(path)
    if not isinstance(corpus, dict):
        raise DataError(f"{path} is damaged: it holds no object")
    if corpus.get("schema") != SCHEMA:
        raise DataError(f"{path} has schema {corpus.get('schema')!r}, this version reads {SCHEMA}: prepare it again")
    try:
        CorpusEntry.model_validate(corpus)
    except ValidationError as error:
        raise DataError(f"{path}: {wrong_values(error)}") from error
    return corpus


def wrong_values(error: ValidationError) -> str:
    """One line for what pydantic found: key by key, what is wrong with it."""
    found = error.errors(include_url=False, include_context=False)
    lines = []
    for one in found[:_TOLD]:
        key = ".".join(str(k) for k in one["loc"])
        value = "" if one["type"] == "missing" else f", got {_short(one['input'])}"
        lines.append(f"{key}: {one['msg'][0].lower()}{one['msg'][1:]}{value}")
    more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return "; ".join(lines) + more


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
