"""The kernels can be deleted: models train, sample and generate without them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="models need the [train] extra")

SCRIPT = """
import sys
sys.modules["farandole.models.kernels"] = None  # as if the folder were not there

import torch
from dataclasses import replace
from farandole.generation.autoregressive.sliding import generate
from farandole.models.acceleration import for_generation, for_training, sequence_sampler
from farandole.models.base import motion_and_audio
from farandole.models.layers.convbert import ConvBertConfig
from farandole.models.layers.multimodal import EncoderConfig, Modality
from farandole.models.flows.builders import FlowConfig, GlowConfig
from farandole.models.registry import model_names, model_type

kinds = {name: model_type(name) for name in model_names()}
inputs, target = motion_and_audio(5, 2, 6, 8), Modality("motion", 5, 2, 6)
encoder, flow = EncoderConfig(dim=8, heads=2, layers=1, input_layers=1), FlowConfig((2,), dim=8, heads=2, layers=1)
configs = {
    "moglow": dict(motion=5, controls=2, past=6, heard=8, frames=4, glow=GlowConfig(steps=2, dim=4)),
    "transflower": dict(inputs=inputs, target=target, encoder=encoder, flow=flow),
    "transglower": dict(inputs=inputs, target=target, encoder=encoder, glow=GlowConfig(steps=2, dim=4)),
}
for name, changes in configs.items():
    model = for_training(kinds[name](kinds[name].Config(**changes)))
    windows = {m.name: torch.randn(3, m.frames, m.dim) for m in model.inputs}
    model(windows, torch.randn(3, model.target.frames, 5))["loss"].backward()
    given = {m.name: torch.randn(1, m.frames + 3, m.dim) for m in model.generation_inputs}
    noise = torch.randn(4, 1, model.generation_frames, 5)
    quick, plain = (generate(model.eval(), given, noise=noise, fast=fast) for fast in (True, False))
    torch.testing.assert_close(quick, plain, rtol=1e-4, atol=1e-4)
    assert sequence_sampler(model) is None
small = kinds["motionbert"].Config.preset("small", motion=30)
kinds["motionbert"](small)(torch.randn(1, 12, 30), torch.zeros(1, 12, 1)).sum().backward()
print("fine")
"""


def test_models_train_and_generate_without_the_kernels() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "fine", result.stderr
