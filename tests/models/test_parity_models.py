"""Whole models against numbers recorded from the earlier public implementation: loss, gradients, Adam, generation."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from farandole.generation.autoregressive.sliding import generate
from farandole.models.flows.builders import FlowConfig, GlowConfig
from farandole.models.layers.multimodal import EncoderConfig, Modality
from farandole.models.moglow import MoGlow, MoGlowConfig
from farandole.models.reference_names import reference_names, translate
from farandole.models.transflower import Transflower, TransflowerConfig
from farandole.models.transformer import Transformer, TransformerConfig
from farandole.models.transglower import Transglower, TransglowerConfig

FROZEN = ("frozen-table",)
ENCODER = EncoderConfig(dim=16, heads=2, layers=2)
FLOW = FlowConfig(steps=(2,), dim=12, heads=2, layers=2)
INPUTS = (Modality("motion", 6, 8), Modality("audio", 4, 10))
STYLE = Modality("style", 5, 1, tokens=4, fixed=True)


def target(frames: int) -> Modality:
    return Modality("motion", 6, frames, 8)


MODELS = {
    "transflower_chan": lambda: Transflower(
        TransflowerConfig(INPUTS, target(3), ENCODER, replace(FLOW, positions=FROZEN))
    ),
    "transflower_seq_style": lambda: Transflower(
        TransflowerConfig(
            (STYLE, *INPUTS),
            target(1),
            replace(ENCODER, input_positions=("pairwise",), cross_positions=FROZEN),
            replace(FLOW, norm="actnorm", conditioning="tokens", prior="student-t"),
            condition_tokens=5,
        )
    ),
    "moglow": lambda: MoGlow(MoGlowConfig(6, 4, past=3, heard=5, frames=6, glow=GlowConfig(steps=2, dim=12))),
    "transglower": lambda: Transglower(
        TransglowerConfig(
            INPUTS,
            target(1),
            3,
            replace(ENCODER, input_positions=FROZEN, cross_positions=FROZEN),
            GlowConfig(steps=2, dim=16),
        )
    ),
    "transformer": lambda: Transformer(TransformerConfig(INPUTS, target(3), replace(ENCODER, input_positions=FROZEN))),
}
# The recorded training of this case lets the labels of a batch mix, a defect that is not repeated here.
LEAKING = {"transflower_seq_style"}


def windows_of(arrays: dict) -> dict:
    return {k: v.long().squeeze(-1) if k == "style" else v for k, v in arrays.items()}


@pytest.mark.parametrize("name", sorted(MODELS.keys() - LEAKING))
def test_three_steps_of_training(parity, same, name: str) -> None:
    case, model = parity("models_tiny", name), MODELS[name]()
    names = reference_names(model)
    model.load_state_dict(translate(names, case.all("param_init"), model))
    data = case.all("in")
    windows = windows_of({k.removeprefix("in_"): v for k, v in data.items() if k.startswith("in_")})
    model.train()
    model.initialize(windows, data["out_motion"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(3):
        optimizer.zero_grad()
        loss = model(windows, data["out_motion"])["loss"]
        loss.backward()
        if step == 0:
            for key, parameter in model.named_parameters():
                same(parameter.grad, case.get("grad", names[key]), 1e-5)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        tolerance = 1e-5 if step == 0 else 1e-4
        same(loss, case.get("train", "losses")[step], tolerance)
        same(norm, case.get("train", "grad_norms")[step], 1e-4)
    state = model.state_dict()
    for key, expected in translate(names, case.all("param"), model).items():
        same(state[key], expected, 1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_evaluation_and_generation(parity, same, name: str) -> None:
    case, model = parity("models_tiny", name), MODELS[name]().eval()
    model.load_state_dict(translate(reference_names(model), case.all("param"), model))
    data = case.all("in")
    windows = windows_of({k.removeprefix("in_"): v for k, v in data.items() if k.startswith("in_")})
    with torch.no_grad():
        for row in range(3):
            one = {k: v[row : row + 1] for k, v in windows.items()}
            loss = model(one, data["out_motion"][row : row + 1])["loss"]
            same(loss, case.get("out", f"eval_loss_row_{row}"), 1e-5)
        if name not in LEAKING:
            same(model(windows, data["out_motion"])["loss"], case.get("out", "eval_loss"), 1e-5)
    given = case.all("gen_in")
    noise = given.pop("noise").mT[:, None] if "noise" in given else None
    sequences = windows_of({k: v.transpose(0, 1) for k, v in given.items()})
    motion = generate(model, sequences, noise=noise)
    same(motion.transpose(0, 1), case.get("gen_out", "motion"), 1e-4)
