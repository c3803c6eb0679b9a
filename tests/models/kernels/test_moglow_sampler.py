"""The fast sampler of MoGlow gives the numbers of the plain loop."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the flow family needs the [train] extra")

from farandole.generation.autoregressive.sliding import generate  # noqa: E402
from farandole.models.flows.builders import GlowConfig  # noqa: E402
from farandole.models.kernels.moglow_sampler import MoGlowSampler  # noqa: E402
from farandole.models.layers.signal import SignalConfig  # noqa: E402
from farandole.models.moglow import MoGlow, MoGlowConfig  # noqa: E402


def model(signal: SignalConfig | None = None, **glow) -> MoGlow:
    torch.manual_seed(2)
    config = MoGlowConfig(5, 2, past=3, heard=4, frames=6, glow=GlowConfig(steps=3, dim=7, **glow))
    made = MoGlow(config if signal is None else replace(config, signal=signal)).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("permutation", ["full", "factored", "shuffle", "reverse"])
def test_same_frames_as_the_plain_loop(permutation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farandole.models.kernels.moglow_sampler.BLOCK", 4)
    made = model(permutation=permutation, layers=2)
    motion, audio = torch.randn(2, 3, 5).double(), torch.randn(2, 14, 2).double()
    noise = torch.randn(11, 2, 1, 5).double()
    plain = generate(made, {"motion": motion, "audio": audio}, noise=noise, temperature=0.8, fast=False)
    quick = MoGlowSampler(made).generate({"motion": motion, "audio": audio}, 11, noise=noise, temperature=0.8)
    torch.testing.assert_close(quick, plain, rtol=0, atol=1e-9)


def test_same_steps_of_the_columns_that_move() -> None:
    made = model(SignalConfig("steps", still=(1,)))
    motion, audio = torch.randn(2, 3, 5).double(), torch.randn(2, 14, 2).double()
    noise = torch.randn(11, 2, 1, 4).double()
    plain = generate(made, {"motion": motion, "audio": audio}, noise=noise, fast=False)
    torch.testing.assert_close(
        MoGlowSampler(made).generate({"motion": motion, "audio": audio}, 11, noise=noise), plain, rtol=0, atol=1e-9
    )


def test_the_same_within_bounds() -> None:
    made = model(SignalConfig("steps", still=(1,), retain=0.9))
    given = {"motion": torch.zeros(2, 3, 5).double(), "audio": torch.randn(2, 14, 2).double()}
    noise, bounds = (
        torch.randn(11, 2, 1, 4).double(),
        (torch.full((5,), -0.25).double(), torch.full((5,), 0.5).double()),
    )
    plain = generate(made, given, noise=noise, bounds=bounds, fast=False)
    assert plain.min() == -0.25
    assert plain.max() == 0.5
    torch.testing.assert_close(generate(made, given, noise=noise, bounds=bounds), plain, rtol=0, atol=1e-9)


def test_the_same_seed_draws_the_same_noise_in_both() -> None:
    made = model(prior="student-t")
    motion, audio = torch.randn(1, 3, 5).double(), torch.randn(1, 9, 2).double()
    plain = generate(made, {"motion": motion, "audio": audio}, generator=torch.Generator().manual_seed(4), fast=False)
    quick = generate(made, {"motion": motion, "audio": audio}, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(quick, plain, rtol=0, atol=1e-9)


def test_other_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="only LSTM couplings"):
        MoGlowSampler(model(network="gru"))
