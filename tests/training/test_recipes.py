"""Recipes are found by name or path, and any value in them can be replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from farandole.errors import DataError
from farandole.training.recipes import find_recipe, read_recipe, recipe_folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 7\nflow: {width: 64, dropout: 0.1}\n")
    return path


def test_values_are_replaced_and_keep_their_types(recipe: Path) -> None:
    values = read_recipe(recipe, ["--flow.dropout=0", "--flow.lr=1.0e-4", "seed=3", "--new.deep.name=[1, 2]"])
    assert values == {"seed": 3, "flow": {"width": 64, "dropout": 0, "lr": 1e-4}, "new": {"deep": {"name": [1, 2]}}}


@pytest.mark.parametrize("word", ["--seed", "--seed.x=1", "--flow.width=[1"])
def test_a_replacement_without_sense_is_named(recipe: Path, word: str) -> None:
    with pytest.raises(DataError, match="seed|width"):
        read_recipe(recipe, [word])


def test_what_is_no_recipe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for text in ("- a\n- b\n", "a: [1\n"):
        path.write_text(text)
        with pytest.raises(DataError, match=r"x\.yaml"):
            read_recipe(path)


def test_a_path_is_found_and_an_unknown_name_lists_what_there_is(recipe: Path) -> None:
    assert find_recipe(recipe) == recipe
    with pytest.raises(DataError, match="no such file"):
        find_recipe("none.yaml")
    with pytest.raises(DataError, match="no recipe 'none'; there are"):
        find_recipe("none")


def test_every_published_recipe_is_found_and_read() -> None:
    for path in recipe_folder().glob("*.yaml"):
        assert find_recipe(path.stem) == path
        assert read_recipe(path)
