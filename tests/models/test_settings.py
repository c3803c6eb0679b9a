"""Settings from plain values: what is accepted, what is not, and that everything wrong is said at once."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from farandole.errors import DataError
from farandole.models.errors import ConfigError, require
from farandole.models.settings import build, plain


@dataclass(frozen=True)
class Inner:
    width: int = 8
    rate: float = 0.5
    kind: Literal["lstm", "gru"] = "lstm"

    def __post_init__(self) -> None:
        require("inner", [(self.width > 0, f"width must be positive, got {self.width}")])


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner = field(default_factory=Inner)
    parts: tuple[Inner, ...] = ()
    steps: tuple[int, ...] = (4,)
    span: tuple[float, float] = (0.0, 1.0)
    shares: dict[str, float] = field(default_factory=dict)
    limit: int | None = None
    on: bool = False
    maybe: Inner | None = None


def test_values_become_fields_of_their_types() -> None:
    values = {
        "name": "x", "inner": {"rate": 1, "kind": "gru"}, "parts": [{"width": 2}, {}], "steps": [1, 2], "span": [0, 2],
        "shares": {"a b": 1}, "limit": None, "on": True, "maybe": {"width": 3},
    }  # fmt: skip
    made = build(Outer, values, "recipe")
    assert made == Outer(
        "x", Inner(8, 1.0, "gru"), (Inner(2), Inner()), (1, 2), (0.0, 2.0), {"a b": 1.0}, None, True, Inner(3)
    )
    assert isinstance(made.inner.rate, float)
    assert build(Outer, plain(made), "again") == made
    assert build(Outer, {"name": datetime.date(2020, 1, 2)}, "recipe").name == "2020-01-02"  # YAML reads a date


@pytest.mark.parametrize("word", ["7e-5", "1e3", "0.25", " -3 "])
def test_numbers_written_as_words_are_understood_where_a_float_is_wanted(word: str) -> None:
    values = {"name": word, "inner": {"rate": word}, "parts": [{"rate": word}], "shares": {"a": word}}
    made = build(Outer, values, "recipe")
    assert (made.inner.rate, made.parts[0].rate, made.shares["a"]) == (float(word),) * 3
    assert made.name == word
    with pytest.raises(DataError, match=r"recipe.inner.width: .* is no int"):
        build(Outer, {"name": "x", "inner": {"width": word, "rate": word}}, "recipe")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"inner": {"width": True}}, "recipe.inner.width: True is no int"),
        ({"inner": {"width": 1.9}}, "recipe.inner.width: 1.9 is no int"),
        ({"inner": {"width": "two"}}, "recipe.inner.width: 'two' is no int"),
        ({"inner": {"width": None}}, "recipe.inner.width: None is no int"),
        ({"inner": {"rate": False}}, "recipe.inner.rate: False is no float"),
        ({"inner": {"rate": "fast"}}, "recipe.inner.rate: 'fast' is no float"),
        ({"inner": {"rate": float("nan")}}, "recipe.inner.rate: nan is no finite number"),
        ({"inner": {"rate": "inf"}}, "recipe.inner.rate: inf is no finite number"),
        ({"inner": {"kind": "rnn"}}, "recipe.inner.kind: 'rnn' is not one of lstm, gru"),
        ({"inner": {"kind": ["gru"]}}, "recipe.inner.kind: ['gru'] is not one of lstm, gru"),
        ({"inner": {"width": -1}}, "recipe.inner: inner: width must be positive, got -1"),
        ({"inner": 5}, "recipe.inner: needed is a mapping of names to values, not 5"),
        ({"maybe": "x"}, "recipe.maybe: needed is a mapping of names to values, not 'x'"),
        ({"maybe": {"depth": 1}}, "recipe.maybe has no key 'depth'; there are: width, rate, kind"),
        ({"parts": {"width": 1}}, "recipe.parts: {'width': 1} is no list"),
        ({"parts": [{"wide": 1}]}, "recipe.parts[0] has no key 'wide'; there are: width, rate, kind"),
        ({"steps": [1, "two"]}, "recipe.steps[1]: 'two' is no int"),
        ({"steps": 3}, "recipe.steps: 3 is no list"),
        ({"span": [1, 2, 3]}, "recipe.span: "),
        ({"span": [1]}, "recipe.span[1]: "),
        ({"shares": "many"}, "recipe.shares: 'many' is no mapping"),
        ({"shares": {"a": "half"}}, "recipe.shares.a: 'half' is no float"),
        ({"on": 1}, "recipe.on: 1 is no bool"),
        ({"name": 3}, "recipe.name: 3 is no str"),
    ],
)
@pytest.mark.parametrize("start", [None, Outer("x")])
def test_what_is_wrong_is_said_with_its_place(values, message: str, start) -> None:
    with pytest.raises(DataError) as error:
        build(Outer, {"name": "x", **values}, "recipe", start=start)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("values", [["x"], "text", 3, None])
def test_a_wrong_shape_is_no_bug(values) -> None:
    with pytest.raises(DataError, match="recipe: needed is a mapping of names to values, not "):
        build(Outer, values, "recipe")
    with pytest.raises(DataError, match="recipe: needed is a mapping of names to values, not "):
        build(Outer, values, "recipe", start=Outer("x"))


def test_values_that_contain_themselves_are_no_bug() -> None:
    values: dict = {"name": "x"}
    values["inner"] = values  # YAML's anchors allow it
    with pytest.raises(DataError, match="recipe: "):
        build(Outer, values, "recipe")
    with pytest.raises(DataError, match="recipe: "):
        build(Outer, {(1, 2): 3}, "recipe")


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(DataError) as error:
        build(Outer, {"inner": {"width": "two", "depth": 1}, "parts": [{"width": 0}], "colour": 1}, "recipe")
    for part in (
        "recipe needs the key 'name'",
        "recipe has no key 'colour'; there are: name, inner, parts, ",
        "recipe.inner has no key 'depth'",
        "recipe.inner.width: 'two' is no int",
        "recipe.parts[0]: inner: width must be positive, got 0",
    ):
        assert part in str(error.value)


def test_what_is_not_named_comes_from_the_start_also_within() -> None:
    start = Outer("x", Inner(3, 0.1, "gru"), parts=(Inner(1),), shares={"a": 1.0}, maybe=Inner(5))
    made = build(Outer, {"inner": {"rate": "2e-1"}, "shares": {"b": 2}, "maybe": {"width": 6}}, "recipe", start=start)
    assert made == replace(start, inner=Inner(3, 0.2, "gru"), shares={"b": 2.0}, maybe=Inner(6))
    assert build(Outer, {}, "recipe", start=start) == start
    assert build(Outer, {"parts": [{}]}, "recipe", start=start).parts == (Inner(),)


def test_settings_that_contradict_each_other_are_config_errors_by_themselves() -> None:
    with pytest.raises(ConfigError):
        Inner(width=0)
