"""What `farandole train RECIPE --help` and recipes/README.md tell of the recipes."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

pytest.importorskip("torch", reason="recipes are checked against models of the [train] extra")

from farandole.training.plan import StageKeys, Training
from farandole.training.recipe import Recipe, objective_of, read_values
from farandole.training.recipe_files import find_recipe, read_recipe, recipe_folder, recipe_names
from farandole.training.recipe_help import docs, recipe_help
from farandole.training.recipe_table import markdown, recipe_rows

NAMES = ("dance/starter", "flow/tiny/transflower", "masked/tiny/crossmodal", "inbetween/lafan1")


def keys(settings: Any, prefix: str) -> list[str]:
    """Every key that `--prefix.key=value` may set, in order."""
    found = []
    for f in fields(settings):
        value = getattr(settings, f.name)
        inner = is_dataclass(value)
        found += keys(value, f"{prefix}{f.name}.") if inner else [f"{prefix}{f.name}"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_told_with_type_value_and_meaning(name: str) -> None:
    path, variant = find_recipe(name)
    lines = list(recipe_help(path, variant))
    recipe = read_values(read_recipe(path, variant))
    told = {line.split("=")[0].strip(): n for n, line in enumerate(lines) if line.startswith("  --")}
    wanted = keys(recipe, "") + keys(StageKeys(), "training.stages.N.")
    wanted += keys(objective_of(recipe.model).Options(), "training.stages.N.")
    assert {f"--{key}" for key in wanted} == set(told)
    for key in keys(recipe.training, "training."):
        line = told[f"--{key}"]
        assert "  (" in lines[line]
        assert lines[line + 1].startswith("      "), key  # a line on what it means
    assert f"  --training.seed={recipe.training.seed}  (int)" in lines
    assert f'  --model="{recipe.model}"  (str)' in lines
    assert max(len(line) for line in lines) <= 160


SETTINGS = dict.fromkeys(objective_of(read_values(read_recipe(*find_recipe(n))).model).Settings for n in NAMES)


@pytest.mark.parametrize("kind", [Recipe, Training, *SETTINGS])
def test_every_field_says_what_it_means(kind: type) -> None:
    told = docs(kind)
    assert [f.name for f in fields(kind) if not told.get(f.name)] == []


def test_the_variant_is_the_one_that_is_told() -> None:
    path, variant = find_recipe("flow/published/transflower_expmap_cr@cr2")
    lines = list(recipe_help(path, variant))
    assert "  --training.batch_size=32  (int)" in lines
    assert "Keys of transflower_expmap_cr@cr2, with its values:" in lines


def test_the_readme_holds_the_table_of_the_recipes() -> None:
    assert markdown() in (recipe_folder() / "README.md").read_text(encoding="utf-8")


def test_the_table_has_a_row_of_every_recipe_and_variant() -> None:
    rows = list(recipe_rows())
    assert {r.name.partition("@")[0] for r in rows} == set(recipe_names())
    for row in rows:
        recipe = read_values(read_recipe(*find_recipe(row.name)))
        assert (row.model, row.about, row.steps) == (recipe.model, recipe.about, recipe.plan.steps)
        assert all(feature in row.needs for feature in recipe.features.values())
        assert row.about
        assert "|" not in row.about


def test_how_the_features_of_a_recipe_are_made_is_a_command_that_is_understood() -> None:
    """And it makes just what the recipe asks for."""
    import shlex

    import typer

    from farandole.cli.app import app
    from farandole.motion.dance_codec import DanceCodec
    from farandole.music import dance_features

    prepare = typer.main.get_command(app).commands["prepare"]  # type: ignore[attr-defined]
    for row in recipe_rows():
        words = shlex.split(row.data)
        assert words[:2] == ["farandole", "prepare"]
        command = prepare.commands[words[2]]
        given = command.make_context(words[2], words[3:]).params
        asked = set(read_values(read_recipe(*find_recipe(row.name))).features.values())
        if words[2] == "starter":
            assert asked == {DanceCodec.name, dance_features.NAME, "style"}
            continue
        assert bool(given["labels"]) == bool(asked & {"style", "dance_style"}), row.name
        made = {*given["motion"].split(","), *given["music"].split(",")} - {""}
        assert asked - {"style", "dance_style"} == (made if asked else set()), row.name
