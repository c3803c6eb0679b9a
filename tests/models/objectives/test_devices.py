"""Objectives work wherever model and batch are: what they draw is drawn on the CPU and moved there.

The device is torch's "meta", which computes nothing but refuses tensors of two devices in one operation, so that those are found
without a GPU; where there is one, the real thing is trained on it (`-m gpu`).
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="models need the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))

from training_toys import (
    DANCER,
    GAPS,
    MASKED,
    MOGLOW,
    changed,
    toy,
    write_dance_folder,
    write_flow_folder,
    write_masked_folder,
)

from farandole.models.objectives.objective import Draw
from farandole.training.run import train

FAMILIES = {
    "likelihood": (write_flow_folder, MOGLOW),
    "rollout": (
        write_flow_folder,
        {**changed(stages=[{"steps": 3, "rollout": 4, "kept": 1}]), "windows": {"ahead": 4}},
    ),
    "masking": (write_masked_folder, MASKED),
    "gaps": (write_dance_folder, GAPS),
    "dancer": (write_dance_folder, DANCER),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("held_out", [False, True])
def test_no_tensor_stays_behind_on_another_device(
    family: str, held_out: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, values = FAMILIES[family]
    recipe, model, data, objective = toy(values, write(tmp_path / "data"))
    steps = recipe.plan.begins()
    batches = [data.batch(n, 4, recipe.plan.at(n)[1].options) for n in steps]
    if family == "masking":  # what goes by way of NumPy cannot be faked: hide real windows, and move what comes back
        hidden = [objective.hide(b["out_motion"], recipe.plan.at(n)[1].options.mask, Draw(0, n).numpy()) for n, b in
                  zip(steps, batches, strict=True)]  # fmt: skip
    place = lambda t: t.to("meta")  # noqa: E731
    monkeypatch.setattr("farandole.models.flows.mixing._full_precision", nullcontext)  # no autocast there
    model.to("meta")
    objective.to("meta")
    for number, step in enumerate(steps):
        _, stage, _ = recipe.plan.at(step)
        batch = {k: place(v) for k, v in batches[number].items()}
        if family == "masking":
            motion, masked = hidden[number]
            monkeypatch.setattr(objective, "hide", lambda *_, m=motion, k=masked: (place(m), k))
        objective.start(model, batch)
        objective.begin_stage(model, stage.options, batch)
        losses = objective.losses(model, batch, stage.options, Draw(0, step, held_out=held_out))
        assert {v.device.type for v in losses.values()} == {"meta"}
        losses["loss"].backward()


def test_the_device_finds_what_stays_behind() -> None:
    away = torch.zeros(3, device="meta")
    for mixed in (
        lambda: away + torch.zeros(3),
        lambda: torch.where(torch.zeros(3) > 0, away, away),
        lambda: torch.randn(3, generator=torch.Generator(), device="meta") + torch.rand(3),
    ):
        with pytest.raises(RuntimeError, match="device"):
            mixed()


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_depend_on_the_draw_alone(family: str, tmp_path: Path) -> None:
    """Not on torch's global numbers, nor NumPy's."""
    write, values = FAMILIES[family]
    if family == "likelihood":
        values = {**values, "config": {**values["config"], "pose_dropout": 0.0}}
    recipe, model, data, objective = toy(values, write(tmp_path / "data"))
    model.eval()
    step = recipe.plan.begins()[-1]
    _, stage, _ = recipe.plan.at(step)
    batch, found = data.batch(step, 4, stage.options), []
    for draw in (Draw(3, 5), Draw(3, 5), Draw(3, 6)):
        torch.rand(len(found) + 1)
        np.random.rand(len(found) + 1)
        with torch.no_grad():
            found.append(objective.losses(model, batch, stage.options, draw)["loss"].item())
    assert found[0] == found[1]
    assert (found[0] == found[2]) == (family in ("likelihood", "gaps"))  # these draw nothing


def test_draws_differ_by_step_part_process_and_split() -> None:
    draws = [Draw(0, 1), Draw(1, 1), Draw(0, 2), Draw(0, 1, rank=1), Draw(0, 1, part=1), Draw(0, 1, held_out=True)]
    assert len({d.numpy().integers(2**63) for d in draws}) == len(draws)
    assert len({torch.rand(1, generator=d.torch()).item() for d in draws}) == len(draws)
    assert Draw(0, 1).torch().device.type == "cpu"
    assert Draw(0, 1, part=3, held_out=True).numpy().random() == Draw(0, 1, held_out=True).numpy().random()


@pytest.mark.gpu
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_trains_on_a_gpu(family: str, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    write, values = FAMILIES[family]
    steps = {k: 3 for k in ("steps",) if not values["training"].get("stages")}
    values = {**values, "training": {**values["training"], **steps}, "trainer": {"accelerator": "gpu", "devices": 1}}
    results = train(values, write(tmp_path / "data"), tmp_path / "run")
    assert all(np.isfinite(v) for v in results.values())
    state = torch.load(tmp_path / "run" / "states" / "last.ckpt", weights_only=True)
    again = train({}, tmp_path / "data", tmp_path / "run", resume=True)
    assert again == pytest.approx(results, rel=1e-4)
    assert state["global_step"] > 0
