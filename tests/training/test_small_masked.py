"""The small recipes of the masked models: two steps of each at toy size, and what its checkpoint does then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from training_toys import QUIET

from farandole.data.feature_folder import FeatureFolder
from farandole.data.masking import Masking
from farandole.errors import AbilityError
from farandole.generation.completion import open_model
from farandole.generation.generate import GenerationSettings, folder_jobs, generate
from farandole.generation.masked.masked_windows import fill_window
from farandole.generation.required_abilities import require
from farandole.models.abilities import Abilities
from farandole.models.objectives.masking_objective import MaskChoice, MaskingObjective, MaskingOptions
from farandole.models.registry import model_names, model_type
from farandole.training.recipe import read_values
from farandole.training.recipe_files import find_recipe, read_recipe, recipe_names
from farandole.training.run import train

SMALL = [name for name in recipe_names() if name.startswith("masked/small/")]
FRAMES = 24
TOY = {"dim": 32, "heads": 4, "inner": 32, "layers": 1}
SIZES = {"shortest": FRAMES, "longest": FRAMES, "least": 4, "most": 9, "every": 6, "steps": 1, "batch_size": 4}


def shrunken(values: Any) -> Any:
    """A recipe, or a part of one, with widths, windows and steps of toy size; everything else as it is."""
    if isinstance(values, list):
        return [shrunken(v) for v in values]
    if not isinstance(values, Mapping):
        return values
    own = {k: SIZES.get(k, shrunken(v)) for k, v in values.items()}
    for part in ("encoder", "cross"):
        if part in own:
            own[part] |= TOY
    return own


def toy(name: str) -> dict[str, Any]:
    """A recipe of the package at toy size, for the folder of the tests."""
    values = shrunken(read_recipe(*find_recipe(name)))
    if values["model"] == "threebert":
        values["config"]["cross"]["dim"] *= 2
    if "music" in values["features"]:
        values["features"]["music"] = "sound"
    values |= {"windows": {"frames": FRAMES}, "trainer": QUIET}
    values["completion"] |= {"known": 12, "block": 9, "keep": 4}
    return values


def test_there_is_one_of_every_masked_model() -> None:
    masked = {n for n in model_names() if model_type(n).Objective.data == "masked"}
    assert {name.rpartition("/")[2].removesuffix("_future") for name in SMALL} == masked


@pytest.mark.parametrize("name", SMALL)
def test_it_trains_fills_and_goes_on(name: str, masked_folder: Path, tmp_path: Path) -> None:
    corpus, values = FeatureFolder(masked_folder), toy(name)
    ways = [o for stage in values["training"]["stages"] for o in (stage, *stage.get("others", ()))]
    future = name.endswith("_future")
    assert {o["mask"]["pattern"] for o in ways} == ({"suffix"} if future else {"every", "keys", "spans"})
    draws = any(o.get("guess") for o in ways)
    assert draws == values["config"].get("guess", False) == future
    results = train(values, masked_folder, tmp_path / "run")
    assert np.isfinite(list(results.values())).all()
    completer = open_model(tmp_path / "run", engine="torch")
    abilities = completer.checkpoint.abilities
    assert (abilities.past, abilities.future, abilities.random) == (True, not draws, draws)
    assert abilities.music == ("music" in values["features"])
    jobs = folder_jobs(completer, corpus, corpus.split("val"))
    made = [next(iter(generate(completer, jobs, GenerationSettings(seed=s), seconds=1.0))).features for s in (1, 2)]
    assert len(made[0]) >= 30
    assert (np.abs(made[0] - made[1]).max() > 1e-4) == draws
    motion = np.asarray(corpus.load("s3", "rotmat"), np.float32)[:FRAMES]
    music = np.zeros((FRAMES, 2), np.float32) if abilities.music else None
    hidden = np.arange(FRAMES) % 6 != 0
    filled = fill_window(completer.session, completer.facts, motion, hidden, music)
    np.testing.assert_array_equal(filled[~hidden], motion[~hidden])
    if future:
        with pytest.raises(AbilityError, match="fills gaps; it begins .*, goes on from a past, draws at random"):
            require(completer.checkpoint, ["future"], "filling gaps")


@pytest.mark.parametrize(("shares", "filled"), [((1.0, 1.0), False), ((1.0, 0.5), True), ((0.0, 0.0), True)])
def test_gaps_are_filled_by_what_saw_windows_without_a_guess(shares: tuple[float, float], filled: bool) -> None:
    stages = [MaskingOptions(guess=share) for share in shares]
    assert MaskingObjective.learnt(Abilities(past=True, future=True), stages) == Abilities(past=True, future=filled)
    other = MaskingOptions(guess=shares[0], others=(MaskChoice(Masking(), guess=shares[1]),))
    assert MaskingObjective.learnt(Abilities(future=True), [other]).future == filled


@pytest.mark.parametrize("name", SMALL)
def test_what_it_reads_fits_its_windows(name: str) -> None:
    recipe = read_values(read_recipe(*find_recipe(name)))
    known, block = recipe.completion["known"], recipe.completion["block"]
    assert known + block <= recipe.windows.frames
    for stage in recipe.plan.stages:
        for mask in (stage.options.mask, *(o.mask for o in stage.options.others)):
            assert mask.longest == mask.shortest == recipe.windows.frames
            assert mask.pattern != "suffix" or mask.most <= block
