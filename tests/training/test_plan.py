"""Stages and learning rates: which stage a step belongs to, the rate in it, what a stage takes from the whole."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="recipes are checked against models of the [train] extra")

from training_toys import DANCER, MASKED, MOGLOW, changed

from farandole.errors import DataError
from farandole.training.recipe import read_values
from farandole.training.schedules import Schedule


def test_schedules() -> None:
    multistep = Schedule("multistep", milestones=(200, 400), factor=0.1)
    assert [multistep.rate(s, 600) for s in (0, 199, 200, 400)] == pytest.approx([1, 1, 0.1, 0.01])
    epochs = Schedule("multistep", milestones=(2,), factor=0.5, unit="epoch")
    assert [epochs.rate(s, 600, epoch_steps=10) for s in (19, 20)] == [1, 0.5]
    cosine = Schedule("cosine", warmup=10, floor=0.1)
    assert [cosine.rate(s, 110) for s in (0, 9, 10, 60, 110)] == pytest.approx([0.1, 1, 1, 0.55, 0.1])
    noam = Schedule("noam", warmup=1000, floor=0.1)
    assert [noam.rate(s, 10**6) for s in (499, 1000, 4000, 10**6)] == pytest.approx([0.5, 1, 0.5, 0.1])
    assert Schedule("linear").rate(75, 100) == pytest.approx(0.25)


def test_a_step_belongs_to_one_stage() -> None:
    plan = read_values(MASKED).plan
    assert (plan.steps, plan.begins()) == (12, [0, 4, 9])
    assert [plan.at(s)[0] for s in (0, 3, 4, 8, 9, 11, 12, 99)] == [0, 0, 1, 1, 2, 2, 2, 2]
    assert [plan.at(s)[2] for s in (3, 8, 11)] == [0, 4, 9]
    assert [s.options.mask.pattern for s in plan.stages] == ["frames", "suffix", "every"]


def test_a_recipe_without_stages_has_one() -> None:
    (stage,) = read_values(MOGLOW).plan.stages
    assert (stage.steps, stage.batch_size, stage.lr, stage.ema) == (12, 8, 3e-3, 0.5)


def test_a_stage_takes_from_the_whole_what_it_does_not_say() -> None:
    stages = [{"part": "autoencoder", "steps": 3, "ema": 0.2}, {"part": "flow", "lr": 1e-4, "batch_size": 2}]
    plan = read_values(changed(DANCER, stages=stages, steps=7, batch_size=6, lr=0.5, ema=0.9)).plan
    told = [(s.steps, s.batch_size, s.lr, s.ema, s.options.part) for s in plan.stages]
    assert told == [(3, 6, 0.5, 0.2, "autoencoder"), (7, 2, 1e-4, 0.9, "flow")]


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"stepz": 3}, r"training.stages\[0\] has no key 'stepz'; there are: .*"),
        ({"steps": 0}, r"training.stages\[0\]: steps, batch_size and lr must be positive"),
        ({"steps": 1.9}, r"training.stages\[0\].steps: 1.9 is no int"),
        ({"mask": {"every": 0}}, "every >= 1"),
        ({"feedback": -1}, "feedback must not be negative"),
        ({"schedule": {"unit": "epoch"}}, r"training.stages\[0\]: a stage's schedule counts steps"),
        ({"schedule": {"kind": "sine"}}, "'sine' is not one of constant, multistep, cosine, noam, linear"),
    ],
)
def test_what_is_wrong_with_a_stage_is_said(stage: dict, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_values(changed(MASKED, stages=[stage, {"steps": 1}]))
