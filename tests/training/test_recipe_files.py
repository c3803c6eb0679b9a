"""Recipes are found by name or path, have variants, and any value in them can be replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="reading recipes needs the [train] extra")

from farandole.errors import DataError
from farandole.training.recipe_files import find_recipe, override, read_recipe, recipe_folder, recipe_names, variants

VALUES = {"seed": 7, "flow": {"width": 64, "dropout": 0.1}, "training": {"stages": [{"steps": 3}, {"steps": 5}]}}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "about: mine\nseed: 7\nflow: {width: 64}\nstages: [{steps: 3}]\n"
        "variants:\n  big: {about: larger, flow.width: 128, stages.0.steps: 9, flow.heads: [1, 2]}\n  old: {seed: 1}\n"
        "  odd: 3\n"
    )
    return path


def test_values_are_replaced_and_keep_their_types() -> None:
    words = ["--flow.dropout=0", "--flow.lr=1.0e-4", "seed=3", "--new.deep.name=[1, 2]", "--flow.name="]
    values = override(VALUES, words)
    assert values["flow"] == {"width": 64, "dropout": 0, "lr": 1e-4, "name": None}
    assert (values["seed"], values["new"]) == (3, {"deep": {"name": [1, 2]}})
    assert VALUES["seed"] == 7  # not changed itself


def test_elements_of_lists_are_told_by_number() -> None:
    values = override(VALUES, ["--training.stages.0.steps=1", "--training.stages.1={steps: 2, lr: 0.1}"])
    assert values["training"]["stages"] == [{"steps": 1}, {"steps": 2, "lr": 0.1}]
    for word in ("--training.stages.2.steps=1", "--training.stages.-1=3", "--training.stages.first=1"):
        with pytest.raises(DataError, match=r"is no element: there are 0 to 1"):
            override(VALUES, [word])


def test_a_value_may_stand_behind_its_name() -> None:
    together = override(VALUES, ["--flow.width=3", "--flow.dropout=-0.5", "--seed=9"])
    assert override(VALUES, ["--flow.width", "3", "--flow.dropout", "-0.5", "--seed", "9"]) == together
    assert override(VALUES, ["--flow.fast-kernels=true"])["flow"]["fast_kernels"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed"], "--seed: options of the recipe are written --some.name=value"),
        (["--flow.width", "--seed=3"], "--flow.width: options of the recipe are written --some.name=value"),
        (["seed"], "seed: options of the recipe are written --some.name=value"),
        (["--seed.x=1"], "'seed' is a value, it holds nothing by name"),
        (["--flow.width.x.y=1"], "'width' is a value, it holds nothing by name"),
        (["--flow.width=[1"], r"--flow.width=\[1: '\[1' is no YAML value"),
        (["--training.stages.0.steps.x=1"], "'steps' is a value"),
    ],
)
def test_a_replacement_without_sense_is_named(words: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        override(VALUES, words)


def test_variants_change_what_they_name(recipe: Path) -> None:
    assert variants(recipe)["big"] == "larger"
    assert read_recipe(recipe) == {"about": "mine", "seed": 7, "flow": {"width": 64}, "stages": [{"steps": 3}]}
    big = {"about": "larger", "seed": 7, "flow": {"width": 128, "heads": [1, 2]}, "stages": [{"steps": 9}]}
    assert read_recipe(*find_recipe(f"{recipe}@big")) == big
    assert read_recipe(recipe)["flow"] == {"width": 64}
    for name in ("huge", "odd"):
        with pytest.raises(DataError, match=f"no variant '{name}'; there are: big, old"):
            read_recipe(recipe, name)


@pytest.mark.parametrize(
    "text", ["- a\n- b\n", "a: [1\n", "", "3", "{" * 5000, "a: b: c", "model: !!python/object:os.system {}"]
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.yaml"):
        read_recipe(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match=r"x\.yaml: is no YAML"):
        read_recipe(path)


def test_a_path_is_found_and_an_unknown_name_lists_what_there_is(recipe: Path) -> None:
    assert find_recipe(recipe) == (recipe, "")
    assert find_recipe(f"{recipe}@big") == (recipe, "big")
    with pytest.raises(DataError, match=r"none\.yaml: no such file"):
        find_recipe("none.yaml")
    with pytest.raises(DataError, match="no recipe 'none'; there are: dance/starter, flow/published"):
        find_recipe("none")


def test_the_last_part_of_a_name_is_enough_where_it_is_unique() -> None:
    assert find_recipe("lafan1") == find_recipe("inbetween/lafan1")
    assert find_recipe("dancebert_motionbert@x")[1] == "x"
    with pytest.raises(
        DataError,
        match="recipe 'crossmodal' may be masked/farandole/crossmodal or masked/small/crossmodal or masked/tiny/crossmodal",
    ):
        find_recipe("crossmodal")


def test_every_published_recipe_is_found_and_read() -> None:
    assert len(recipe_names()) >= 35
    for name in recipe_names():
        path = recipe_folder() / f"{name}.yaml"
        assert find_recipe(name) == (path, "")
        for variant in ("", *variants(path)):
            assert read_recipe(path, variant)["model"]


def test_names_of_older_versions_are_answered_with_the_new_one() -> None:
    lines = (recipe_folder() / "renamed.txt").read_text().splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#")]
    assert len(pairs) >= 50
    for old, new in pairs:
        path, variant = find_recipe(new)  # it is there
        assert read_recipe(path, variant)
        if new.rpartition("/")[2] == old:
            assert find_recipe(old) == (path, variant)  # what was found by that name is found by it still
        else:
            with pytest.raises(DataError, match=f"the recipe '{old}' is now {new}"):
                find_recipe(old)
