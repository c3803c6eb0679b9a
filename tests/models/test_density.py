"""Each flow learns a known conditional density to within 0.05 nats per frame of its entropy, and its samples match."""

from __future__ import annotations

import math

import pytest
import torch

from farandole.models.flows.builders import FlowConfig, GlowConfig, build_flow, build_glow
from farandole.models.flows.flow import ConditionalFlow

FRAMES = 2
SMALL = {"steps": (4,), "dim": 32, "heads": 2, "layers": 1}
FLOWS = {
    "published": lambda: build_flow(2, FRAMES, 1, FRAMES, FlowConfig(**SMALL)),
    "tokens-student": lambda: build_flow(
        2, FRAMES, 1, FRAMES, FlowConfig(**SMALL, norm="actnorm", conditioning="tokens", positions=("table",), prior="student-t")
    ),
    "farandole": lambda: build_flow(
        2, FRAMES, 1, FRAMES,
        FlowConfig(**SMALL, norm="actnorm", positive_norm=True, scale="exponential", zero_output=True, positions=("relative",)),
    ),
    "mixture": lambda: build_flow(
        2, FRAMES, 1, FRAMES,
        FlowConfig(**(SMALL | {"steps": (2,)}), norm="actnorm", scale="exponential", components=4, zero_output=True),
    ),
    "convolution": lambda: build_flow(2, FRAMES, 1, FRAMES, FlowConfig(**SMALL, norm="none", network="convolution")),
    "glow": lambda: build_glow(2, 1, GlowConfig(steps=6, dim=32, layers=1)),
}  # fmt: skip


def draw(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frames [N, T, 2], what they depend on [N, T, 1] in (-1, 1), and their true log-density per frame [N].

    a ~ N(sin 2c, 0.5), b ~ N(0.7 a^2 + c, 0.3 e^(c/2)): curved, with a spread that depends on the condition.
    """
    c = 2 * torch.rand(count, FRAMES, 1) - 1
    spread = 0.3 * torch.exp(0.5 * c)
    a = torch.sin(2 * c) + 0.5 * torch.randn_like(c)
    b = 0.7 * a.square() + c + spread * torch.randn_like(c)
    log_density = torch.distributions.Normal(torch.sin(2 * c), 0.5).log_prob(a)
    log_density = log_density + torch.distributions.Normal(0.7 * a.square() + c, spread).log_prob(b)
    return torch.cat((a, b), dim=-1), c, log_density.mean(dim=(1, 2))


def test_the_truth_is_right() -> None:
    entropy = math.log(0.5) + math.log(0.3) + math.log(2 * math.pi) + 1  # the mean of c / 2 is zero
    assert -draw(200_000)[2].mean().item() == pytest.approx(entropy, abs=0.01)


def fit(flow: ConditionalFlow, steps: int, batch: int = 256, rate: float = 2e-2) -> None:
    flow.train()
    flow.initialize(*draw(2048)[:2])
    optimizer = torch.optim.Adam(flow.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        x, c, _ = draw(batch)
        optimizer.zero_grad()
        (-flow.log_prob(x, c).mean()).backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    flow.eval()


SLOW = {"convolution", "tokens-student"}
STEPS = {"published": 150, "farandole": 150, "mixture": 220, "glow": 250, "convolution": 200, "tokens-student": 500}
CASES = [pytest.param(name, STEPS[name], marks=[pytest.mark.slow] * (name in SLOW)) for name in FLOWS]


@pytest.mark.parametrize(("name", "steps"), CASES)
def test_density_and_samples(name: str, steps: int) -> None:
    flow = FLOWS[name]()
    fit(flow, steps)
    x, c, log_density = draw(20_000)
    with torch.no_grad():
        gap = (log_density - flow.log_prob(x, c) / FRAMES).mean().item()  # Kullback-Leibler divergence per frame
        drawn, _ = flow.sample(c, FRAMES, generator=torch.Generator().manual_seed(3))
    assert -0.01 < gap < 0.05, f"{gap:.4f} nats per frame"
    for moment in (lambda v: v, lambda v: v.square(), lambda v: v[..., :1] * v[..., 1:], lambda v: v.sign()):
        torch.testing.assert_close(moment(drawn).mean(dim=(0, 1)), moment(x).mean(dim=(0, 1)), rtol=0.05, atol=0.05)
