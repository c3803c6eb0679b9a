"""Checkpoint folders damaged in 140 ways: each is one line that names the folder, exit code 2, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Damage = Callable[[Path], None]

DANCE, FILL, DANCE_WITH_TORCH, TELL = "dance", "inbetween", "dance --engine torch", "models"


@dataclass(frozen=True)
class Case:
    """A shipped model, what happens to its folder, and the command that meets it."""

    name: str
    model: str
    damage: Damage
    command: str

    def __str__(self) -> str:
        return f"{self.model}: {self.name}"


def replaced(name: str, data: bytes) -> Damage:
    """A file with other content."""

    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).write_bytes(data)

    return damage


def missing(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def folder_instead(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def truncated(name: str, share: float) -> Damage:
    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()
        replaced(name, data[: int(share * len(data))])(folder)

    return damage


def swapped(one: str, other: str) -> Damage:
    def damage(folder: Path) -> None:
        first, second = (folder / one).resolve(), (folder / other).resolve()
        for name, target in ((one, second), (other, first)):
            (folder / name).unlink()
            (folder / name).symlink_to(target)

    return damage


def garbled(name: str, seed: int) -> Damage:
    """The first thousand bytes are noise."""

    def damage(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        noise = np.random.default_rng(seed).integers(0, 256, min(1000, len(data)), dtype=np.uint8).tobytes()
        data[: len(noise)] = noise
        replaced(name, bytes(data))(folder)

    return damage


def edited(name: str, change: Callable[[Any], object]) -> Damage:
    """A JSON file whose content is changed in place."""

    def damage(folder: Path) -> None:
        facts = json.loads((folder / name).read_text())
        change(facts)
        replaced(name, json.dumps(facts).encode())(folder)

    return damage


def put(name: str, path: str, value: Any) -> Damage:
    """A JSON file with another value at a path of keys and indices."""

    def change(facts: Any) -> None:
        *way, last = path.split("/")
        for key in way:
            facts = facts[int(key) if isinstance(facts, list) else key]
        facts[int(last) if isinstance(facts, list) else last] = value

    return edited(name, change)


def without(name: str, path: str) -> Damage:
    def change(facts: Any) -> None:
        *way, last = path.split("/")
        for key in way:
            facts = facts[key]
        del facts[last]

    return edited(name, change)


def first_columns(modality: str, kept: int) -> Damage:
    """Statistics of fewer columns than the model has."""

    def change(facts: Any) -> None:
        facts[modality] = {key: values[:kept] for key, values in facts[modality].items()}

    return edited("scalers.json", change)


def first_joints(kept: int) -> Damage:
    """A body with fewer joints."""

    def change(facts: Any) -> None:
        for key in ("names", "parents", "offsets_m"):
            facts[key] = facts[key][:kept]
        facts["end_sites_m"] = {}

    return edited("skeleton.json", change)


def cases() -> Iterator[Case]:
    for model, command in (("starter", TELL), ("inbetween", FILL)):
        for damage in _of_any_model():
            yield Case(damage[0], model, damage[1], command)
    yield Case("no settings at all", "starter", missing("config.json"), DANCE)
    yield from (Case(name, "starter", damage, DANCE) for name, damage in _of_the_dancer())
    yield from (Case(name, "starter", damage, DANCE_WITH_TORCH) for name, damage in _of_weights())
    yield from (Case(name, "inbetween", damage, FILL) for name, damage in _of_the_filler())
    yield from (Case(name, "inbetween", damage, TELL) for name, damage in _of_the_card())


def _of_any_model() -> Iterator[tuple[str, Damage]]:
    for name in ("config.json", "scalers.json", "skeleton.json"):
        yield f"{name} missing", missing(name)
        yield f"{name} empty", replaced(name, b"")
        yield f"{name} a folder", folder_instead(name)
        yield f"{name} cut in half", truncated(name, 0.5)
        yield f"{name} noise", garbled(name, 7)
        yield f"{name} a list", replaced(name, b"[1, 2]")
        yield f"{name} deep", replaced(name, b"[" * 100_000)
        yield f"{name} deep in objects", replaced(name, b'{"a":' * 100_000)
    yield "card missing", missing("card.md")
    yield "scales and body swapped", swapped("scalers.json", "skeleton.json")
    yield "settings and scales swapped", swapped("config.json", "scalers.json")
    for key in ("schema", "farandole", "model", "parameters", "fps", "features", "abilities", "completion", "config"):
        yield f"{key} missing", without("config.json", key)
    for key, value in (
        ("schema", 1), ("schema", 3), ("parameters", -1), ("parameters", "many"), ("fps", "30"), ("fps", 0),
        ("fps", float("nan")), ("fps", float("inf")), ("fps", 1e300), ("features", []), ("codec", "dance"),
        ("labels", "salsa"), ("abilities", {"flies": True}), ("abilities/past", "yes"), ("abilities/longest_gap", 0),
        ("completion", {}), ("completion/kind", "magic"), ("config", None), ("steps", -3), ("stored", "int4"),
        ("held_out", {"loss": float("nan")}), ("unheard", 1),
    ):  # fmt: skip
        yield f"{key} {value}", put("config.json", key, value)
    yield "body without parents", without("skeleton.json", "parents")
    yield "body that bites its tail", put("skeleton.json", "parents/3", 3)
    yield "parent beyond the body", put("skeleton.json", "parents/5", 99)
    yield "joints that share a name", put("skeleton.json", "names/4", "Hips")
    yield "bone of no number", put("skeleton.json", "offsets_m/2/1", float("nan"))
    yield "bone to the stars", put("skeleton.json", "offsets_m/2/1", 1e300)
    yield "bone in two dimensions", put("skeleton.json", "offsets_m/2", [0.0, 0.1])


def _of_the_dancer() -> Iterator[tuple[str, Damage]]:
    yield "a third of a body", first_joints(7)
    for name in ("flow.onnx", "decoder.onnx"):
        yield f"{name} missing", missing(name)
        yield f"{name} empty", replaced(name, b"")
        yield f"{name} cut", truncated(name, 0.6)
        yield f"{name} noise", garbled(name, 3)
        yield f"{name} a text", replaced(name, b"These are the steps of a dance.\n" * 100)
    yield "flow and decoder swapped", swapped("flow.onnx", "decoder.onnx")
    yield "encoder for decoder", swapped("encoder.onnx", "decoder.onnx")
    yield "no body", replaced("skeleton.json", b"null")
    yield "no codec", put("config.json", "codec", None)
    yield "codec unknown", put("config.json", "codec/name", "waltz")
    yield "codec of next year", put("config.json", "codec/version", 2)
    yield "codec for other features", put("config.json", "codec/name", "rot6d")
    yield "joint renamed", put("skeleton.json", "names/0", "Pelvis")
    yield "no scales", replaced("scalers.json", b"{}")
    yield "scales of motion missing", without("scalers.json", "motion")
    yield "scales of latents missing", without("scalers.json", "latent")
    yield "scales too short", first_columns("motion", 100)
    yield "scales of latents too short", first_columns("latent", 39)
    yield "scales of different lengths", put("scalers.json", "motion/mean", [0.0] * 128)
    yield "deviation of zero", put("scalers.json", "motion/std/5", 0.0)
    yield "deviation below zero", put("scalers.json", "latent/std/5", -1.0)
    yield "mean that is no number", put("scalers.json", "motion/mean/0", float("nan"))
    yield "mean that is a word", put("scalers.json", "motion/mean/0", "high")
    yield "mean beyond all numbers", put("scalers.json", "motion/mean/0", 1e308)
    for key, value in (
        ("tokens", 31), ("tokens", 0), ("tokens", 10**12), ("tokens", 32.5), ("frames_per_token", 5), ("context", 32),
        ("steps", 10**9), ("steps", 0), ("decode_margin", -4), ("groups", []), ("groups", ["root"]), ("styles", {}),
        ("styles/groove/tempo", [145.0, 75.0]), ("styles/groove/spread", float("inf")), ("styles/groove/spread", 1e300),
        ("precision", "strict"), ("window", 10),
    ):  # fmt: skip
        yield f"{key} {value}", put("config.json", f"completion/{key}", value)


def _of_weights() -> Iterator[tuple[str, Damage]]:
    yield "weights missing", missing("model.safetensors")
    yield "weights empty", replaced("model.safetensors", b"")
    yield "weights cut", truncated("model.safetensors", 0.7)
    yield "weights noise", garbled("model.safetensors", 9)
    yield "weights a text", replaced("model.safetensors", b"heavy" * 100)
    yield "model unknown", put("config.json", "model", "waltzer")
    yield "another model", put("config.json", "model", "moglow")
    yield "settings of another size", put("config.json", "config/flow/width", 64)
    yield "settings of no size", put("config.json", "config/flow/width", 0)
    yield "settings beyond all memory", put("config.json", "config/flow/width", 10**12)


def _of_the_filler() -> Iterator[tuple[str, Damage]]:
    yield "a third of a body", first_joints(7)
    yield "network empty", replaced("model.onnx", b"")
    yield "network cut", truncated("model.onnx", 0.9)
    yield "network noise", garbled("model.onnx", 4)
    for key, value in (
        ("window", 3), ("window", 10**12), ("window", "96"), ("upright", [0.0, 0.0, 0.0, 0.0]), ("upright", [1.0, 0.0]),
        ("still", [99]), ("still", [-1]), ("reach", -1.0), ("reach", 1e300),
    ):  # fmt: skip
        yield f"{key} {value}", put("config.json", f"completion/{key}", value)


def _of_the_card() -> Iterator[tuple[str, Damage]]:
    yield "card empty", replaced("card.md", b"")
    yield "card of bytes", replaced("card.md", bytes(range(256)))


ALL = list(cases())


def test_there_are_at_least_140() -> None:
    assert len(ALL) >= 140
    assert len({str(case) for case in ALL}) == len(ALL)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_damaged_folder_is_one_line(copy_of, refused, song: Path, clip: Path, tmp_path: Path, case: Case) -> None:
    if case.command == DANCE_WITH_TORCH:
        pytest.importorskip("torch", reason="the torch engine needs the [train] extra")
    folder = copy_of(case.model)
    case.damage(folder)
    out = tmp_path / "out.npz"
    dance = ("dance", song, "--model", folder, "--seconds", 1, "-o", out, "-q")
    words = {
        DANCE: dance,
        DANCE_WITH_TORCH: (*dance, "--engine", "torch"),
        FILL: ("inbetween", clip, "--every", 10, "--model", folder, "-o", out, "-q"),
        TELL: ("models", folder),
    }[case.command]
    assert str(folder) in refused(*words)
    assert not out.exists()


def test_an_undamaged_copy_dances_and_fills(copy_of, song: Path, clip: Path, tmp_path: Path, capfd) -> None:
    from farandole.cli.app import run

    for words in (
        ("dance", song, "--model", copy_of("starter"), "--seconds", 1, "-o", tmp_path / "a.npz", "-q"),
        ("inbetween", clip, "--every", 10, "--model", copy_of("inbetween"), "-o", tmp_path / "b.npz", "-q"),
    ):
        assert run([str(word) for word in words]) == 0, capfd.readouterr().err


def test_a_style_that_the_folder_does_not_know_is_one_line(copy_of, refused, song: Path, tmp_path: Path) -> None:
    folder = copy_of("starter")
    line = refused("dance", song, "--model", folder, "--style", "polka", "-o", tmp_path / "out.npz", "-q")
    assert "no style 'polka': there are auto, breaking" in line
