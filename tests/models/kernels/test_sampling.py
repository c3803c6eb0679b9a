"""A prepared model samples what the plain one samples, whatever the model, and leaves the plain one as it was."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the flow family needs the [train] extra")

from torch import nn  # noqa: E402

from farandole.generation.autoregressive.sliding import generate  # noqa: E402
from farandole.models.acceleration import for_generation  # noqa: E402
from farandole.models.base import motion_and_audio  # noqa: E402
from farandole.models.flows.builders import FlowConfig, GlowConfig  # noqa: E402
from farandole.models.flows.constants import ConstantMixing  # noqa: E402
from farandole.models.kernels import linear, packed  # noqa: E402
from farandole.models.kernels.packed import PackedLinear, pack_linear  # noqa: E402
from farandole.models.layers.multimodal import EncoderConfig, Modality  # noqa: E402
from farandole.models.residualflower import Residualflower, ResidualflowerConfig  # noqa: E402
from farandole.models.transflower import Transflower, TransflowerConfig  # noqa: E402
from farandole.models.transformer import Transformer, TransformerConfig  # noqa: E402
from farandole.models.transformerflow import Transformerflow, TransformerflowConfig  # noqa: E402
from farandole.models.transglower import Transglower, TransglowerConfig  # noqa: E402

INPUTS, TARGET = motion_and_audio(5, 3, 6, 8, style=4, style_dim=4), Modality("motion", 5, 2, 6)
ENCODER = EncoderConfig(dim=16, heads=2, layers=2, input_layers=1, cross_positions=("relative",))
FLOW = {"dim": 16, "heads": 2, "layers": 1}
MODELS = {
    "transflower": lambda: Transflower(TransflowerConfig(INPUTS, TARGET, ENCODER, FlowConfig((2,), **FLOW))),
    "by tokens": lambda: Transflower(
        TransflowerConfig(
            INPUTS, TARGET, ENCODER, FlowConfig((1, 1), "actnorm", conditioning="tokens", **FLOW), condition_tokens=4
        )
    ),
    "residual": lambda: Transflower(
        TransflowerConfig(INPUTS, TARGET, ENCODER, FlowConfig((2,), **FLOW), residual=True)
    ),
    "transformer": lambda: Transformer(TransformerConfig(INPUTS, TARGET, ENCODER)),
    "transformerflow": lambda: Transformerflow(
        TransformerflowConfig(INPUTS, TARGET, ENCODER, FlowConfig((2,), network="convolution", attention=True, **FLOW))
    ),
    "transglower": lambda: Transglower(
        TransglowerConfig(INPUTS, Modality("motion", 5, 1, 6), encoder=ENCODER, glow=GlowConfig(steps=2, dim=8))
    ),
    "residualflower": lambda: Residualflower(
        ResidualflowerConfig(
            TransformerConfig(INPUTS, TARGET, ENCODER),
            TransflowerConfig(INPUTS, TARGET, ENCODER, FlowConfig((2,), **FLOW)),
        )
    ),
}


@pytest.fixture(autouse=True)
def _wherever_onednn_is(monkeypatch):
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        pytest.skip("PyTorch without oneDNN")
    for module in (linear, packed):
        monkeypatch.setattr(module, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(linear, "SMALLEST_WORK", 0)


def _sequences(batch: int, frames: int = 5) -> dict:
    return {
        "style": torch.randint(4, (batch, 1)),
        "motion": torch.randn(batch, 6, 5),
        "audio": torch.randn(batch, 7 + frames, 3),
    }


def _moved(name: str):
    """A model whose flows do something: no layer as it starts."""
    torch.manual_seed(3)
    model = MODELS[name]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_same_motion(name: str, batch: int) -> None:
    model = _moved(name)
    given = _sequences(batch)
    noise = torch.randn(5, batch, model.generation_frames, 5) if model.latent_channels else None
    before = {k: v.clone() for k, v in model.state_dict().items()}
    kinds = [type(m) for m in model.modules()]
    plain = generate(model, given, noise=noise, fast=False)
    quick = generate(model, given, noise=noise)
    torch.testing.assert_close(quick, plain, rtol=0, atol=2e-5 * float(plain.abs().max()))
    assert [type(m) for m in model.modules()] == kinds
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_what_is_constant_is_worked_out_and_the_rest_is_shared() -> None:
    model = _moved("transflower")
    made = for_generation(model)
    kinds = [type(m) for m in made.modules()]
    assert kinds.count(ConstantMixing) == 2
    assert (
        kinds.count(PackedLinear) == 2 * 6 + 3 * 6 + 10
    )  # two couplings, three inputs, two layers over all, their ends
    assert nn.Linear not in kinds
    norm = made.encoder.cross.layers[0].norm_hidden.weight
    assert norm is model.encoder.cross.layers[0].norm_hidden.weight


def test_preparing_twice_is_preparing_once() -> None:
    once = for_generation(_moved("transflower"))
    twice = for_generation(once)
    assert twice.encoder.cross.inlet.packed is once.encoder.cross.inlet.packed
    given, noise = _sequences(2), torch.randn(5, 2, 2, 5)
    torch.testing.assert_close(generate(twice, given, noise=noise), generate(once, given, noise=noise, fast=False))


def test_weight_norm_is_worked_out_once() -> None:
    model = _moved("transformerflow")
    made = for_generation(model)
    assert any("parametrizations" in name for name, _ in model.named_modules())
    assert not any("parametrizations" in name for name, _ in made.named_modules())
    before = model.log_prob(*_example(model))  # the model itself goes on as it was
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1)
    assert not torch.equal(model.log_prob(*_example(model)), before)


def _example(model) -> tuple[dict, torch.Tensor]:
    torch.manual_seed(1)
    return _sequences(2, 1), torch.randn(2, model.target.frames, 5)


@pytest.mark.parametrize("rows", [1, 4, 200])
@pytest.mark.parametrize("bias", [True, False])
def test_packed_is_the_linear_map_for_any_number_of_rows(rows: int, bias: bool) -> None:
    plain = nn.Linear(33, 70, bias=bias)
    x = torch.randn(2, rows, 33)
    wanted = plain(x)
    quick = pack_linear(nn.Sequential(plain), 4)
    assert type(quick[0]) is PackedLinear
    torch.testing.assert_close(quick(x), wanted, rtol=1e-5, atol=1e-5)


def test_packed_leaves_other_types_alone() -> None:
    assert type(pack_linear(nn.Linear(3, 4).double(), 1)) is nn.Linear
