"""With the kernels every model is the one without: values, gradients, samples, names of weights."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="models need the [train] extra")

from torch import nn  # noqa: E402

from farandole.models import kernels  # noqa: E402
from farandole.models.acceleration import for_generation, for_training, sequence_sampler  # noqa: E402
from farandole.models.base import motion_and_audio  # noqa: E402
from farandole.models.kernels import class_swap, linear, packed  # noqa: E402
from farandole.models.registry import model_type  # noqa: E402

NAMES = ("transformer", "transflower", "transformerflow", "transglower", "moglow", "residualflower")
SMALL = {"dim": 16, "heads": 2, "layers": 2, "input_layers": 1, "dropout": 0.0}


@pytest.fixture(autouse=True)
def _wherever_onednn_is(monkeypatch):
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")):
        pytest.skip("PyTorch without oneDNN")
    for module in (linear, packed, class_swap):
        monkeypatch.setattr(module, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(linear, "SMALLEST_WORK", 0)


def shrunk(config):
    """The settings at toy sizes, without dropout."""
    parts = {
        "encoder": lambda c: replace(c, **SMALL),
        "flow": lambda c: replace(c, steps=(2,) * len(c.steps), dim=16, heads=2, layers=1, dropout=0.0),
        "glow": lambda c: replace(c, steps=2, dim=7),
        "mean": shrunk,
        "residual": lambda c: shrunk(c) if not isinstance(c, bool) else c,
        "inputs": lambda c: motion_and_audio(5, 3, 6, 8, style=4, style_dim=4),
        "target": lambda c: replace(c, dim=5, offset=6, frames=min(c.frames, 10)),
        "motion": lambda c: 5,
        "controls": lambda c: 3,
        "past": lambda c: 6,
        "heard": lambda c: 8,
        "frames": lambda c: 4,
        "pose_dropout": lambda c: 0.0,
    }
    own = {name: change(getattr(config, name)) for name, change in parts.items() if hasattr(config, name)}
    return replace(config, **own)


def toy(name: str, preset: str):
    torch.manual_seed(3)
    kind = model_type(name)
    model = kind(shrunk(kind.Config.preset(preset)))
    with torch.no_grad():
        for parameter in model.parameters():  # flows may start as the identity
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def random_windows(modalities, more: int = 0) -> dict:
    size = lambda m: (3, m.frames) if m.tokens else (3, m.frames + more, m.dim)  # noqa: E731
    return {m.name: torch.randint(m.tokens, size(m)) if m.tokens else torch.randn(size(m)) for m in modalities}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", ["as-released", "farandole"])
def test_training_is_the_same_in_values_and_gradients(name: str, preset: str) -> None:
    plain = toy(name, preset)
    quick = for_training(copy.deepcopy(plain), untested=True)
    assert {type(m) for m in quick.modules()} != {type(m) for m in plain.modules()}
    assert {k: v.shape for k, v in quick.state_dict().items()} == {k: v.shape for k, v in plain.state_dict().items()}
    windows, target = random_windows(plain.inputs), torch.randn(3, plain.target.frames, plain.target.dim)
    losses = []
    for model in (plain, quick):
        loss = model.train()(windows, target)["loss"]
        loss.backward()
        losses.append(loss.detach())
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-5)
    for (key, a), b in zip(plain.named_parameters(), quick.parameters(), strict=True):
        if a.grad is not None:
            atol = 1e-5 * max(1.0, float(a.grad.abs().max()))
            torch.testing.assert_close(b.grad, a.grad, rtol=1e-4, atol=atol, msg=lambda m, key=key: f"{key}: {m}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trained_with_kernels", [False, True])
def test_a_sampled_window_is_the_same(name: str, trained_with_kernels: bool) -> None:
    plain = toy(name, "farandole").eval()
    model = for_training(copy.deepcopy(plain), untested=True) if trained_with_kernels else plain
    quick = for_generation(model, 3, untested=True)
    windows = random_windows(plain.generation_inputs)
    shape = (3, plain.generation_frames, plain.latent_channels)
    noise = torch.randn(shape) if plain.latent_channels else None
    with torch.inference_mode():
        wanted, state = plain.sample(windows, noise=noise)
        got, quick_state = quick.sample(windows, noise=noise)
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=2e-5 * float(wanted.abs().max()))
        if state is not None:
            again = plain.sample(windows, noise=noise, state=state)[0]
            torch.testing.assert_close(
                quick.sample(windows, noise=noise, state=quick_state)[0], again, rtol=1e-5, atol=1e-4
            )


def test_only_tested_versions_of_torch_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.tested("2.13.0+cpu")
    assert not any(map(kernels.tested, ("2.12.9", "2.14.0a0+git1", "3.0", "2")))
    monkeypatch.setattr(torch, "__version__", "9.9.0")
    net = nn.Sequential(nn.Linear(3, 3))
    assert type(for_training(net)[0]) is nn.Linear
    assert type(for_training(net, untested=True)[0]) is linear.FastLinear
    model = toy("moglow", "paper").eval()
    assert sequence_sampler(model) is None
    assert sequence_sampler(model, untested=True) is not None


def test_elsewhere_than_on_the_cpu_the_kernels_step_aside() -> None:
    kind = model_type("transformer")
    config = shrunk(kind.Config.preset("as-released"))
    config = replace(config, encoder=replace(config.encoder, dropout=0.3))
    with torch.device("meta"):
        model = for_training(kind(config), untested=True).train()
        windows, target = random_windows(model.inputs), torch.randn(3, model.target.frames, 5)
        loss = model(windows, target)["loss"]
    loss.backward()
    assert all(p.grad is None or p.grad.device.type == "meta" for p in model.parameters())
    assert model.encoder.cross.inlet.weight.grad is not None
