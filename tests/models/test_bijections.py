"""Laws of every flow layer: inverse, log-determinant, no memory; in float64, with every parameter moved off its start."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from farandole.models.errors import ConfigError, ShapeError
from farandole.models.flows.bijection import Bijection, Chain
from farandole.models.flows.builders import FlowConfig, GlowConfig, build_flow, build_glow
from farandole.models.flows.coupling import SCALES, Coupling
from farandole.models.flows.logistic import invert_mixture_logit, mixture_logit
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear, Permutation
from farandole.models.flows.networks import FeedForwardNetwork
from farandole.models.flows.normalisation import ActNorm, BatchNorm, ScaleActNorm
from farandole.models.flows.priors import StandardNormal, StudentT
from farandole.models.flows.scales import MultiScale, squeeze, unsqueeze

CHANNELS, FRAMES, COND = 5, 4, 3
SMALL = {"steps": (2,), "dim": 8, "heads": 2, "layers": 1}


def coupling(scale: str, components: int, changed: str = "first") -> Bijection:
    network = FeedForwardNetwork(CHANNELS // 2, COND, Coupling.parameters_of(CHANNELS, components), dim=8)
    return Coupling(CHANNELS, network, scale=scale, components=components, changed=changed)


def flow(**changes) -> Bijection:
    config = FlowConfig(**(SMALL | changes))
    tokens = 6 if config.conditioning == "tokens" else FRAMES
    return build_flow(CHANNELS, FRAMES, COND, tokens, config).bijection


def glow(**changes) -> Bijection:
    return build_glow(CHANNELS, COND, GlowConfig(steps=2, dim=8, **changes)).bijection


BIJECTIONS: dict[str, Callable[[], Bijection]] = {
    "actnorm": lambda: ActNorm(CHANNELS),
    "scale-actnorm": lambda: ScaleActNorm(CHANNELS),
    "batchnorm": lambda: BatchNorm(CHANNELS, positive=False),
    "batchnorm-positive": lambda: BatchNorm(CHANNELS),
    "full-matrix": lambda: InvertibleLinear(CHANNELS),
    "factored-matrix": lambda: FactoredLinear(CHANNELS),
    "reverse": lambda: Permutation.reverse(CHANNELS),
    "shuffle": lambda: Permutation.shuffle(CHANNELS),
    **{f"affine-{s}-{c}": lambda s=s, c=c: coupling(s, 0, c) for s in SCALES for c in ("first", "last")},
    "mixture-1": lambda: coupling("bounded", 1),
    "mixture-4": lambda: coupling("exponential", 4),
    "flow-batchnorm": lambda: flow(norm="batchnorm", positions=("relative",)),
    "flow-actnorm": lambda: flow(norm="actnorm", positions=("table",)),
    "flow-positive": lambda: flow(norm="actnorm", positive_norm=True, scale="exponential", positions=("rotary",)),
    "flow-tokens": lambda: flow(norm="none", conditioning="tokens", positions=("pairwise",)),
    "flow-mixture": lambda: flow(norm="actnorm", components=3),
    "flow-convolution": lambda: flow(norm="none", network="convolution", attention=True),
    "flow-two-scales": lambda: flow(steps=(1, 2)),
    "flow-three-scales-tokens": lambda: flow(steps=(1, 1, 1), conditioning="tokens"),
    "glow-lstm": lambda: glow(),
    "glow-gru-factored": lambda: glow(network="gru", permutation="factored"),
    "glow-ff-shuffle": lambda: glow(network="ff", permutation="shuffle"),
    "glow-reverse": lambda: glow(permutation="reverse", layers=1),
}


def moved(bijection: Bijection, amount: float = 0.2) -> Bijection:
    with torch.no_grad():
        for parameter in bijection.parameters():
            parameter.add_(amount * torch.randn_like(parameter))
    return bijection


def log_det_by_autograd(function: Callable, x: torch.Tensor) -> torch.Tensor:
    """log |det| of the Jacobian of `function` at one sample x [1, T, C]."""
    size = x.numel()
    return torch.linalg.slogdet(torch.autograd.functional.jacobian(function, x).reshape(size, size))[1]


@pytest.mark.parametrize("make", BIJECTIONS.values(), ids=BIJECTIONS)
def test_inverse_and_log_det_agree_with_autograd(make: Callable[[], Bijection]) -> None:
    bijection = moved(make().double().eval())
    cond = torch.randn(2, FRAMES, COND, dtype=torch.float64)
    x = torch.randn(2, FRAMES, CHANNELS, dtype=torch.float64)
    for _ in range(2):  # twice: nothing may be remembered from before the weights moved
        y, log_det = bijection(x, cond)
        back, log_det_back = bijection.inverse(y, cond)
        assert y.shape == x.shape
        assert log_det.shape == (2,)
        torch.testing.assert_close(back, x, rtol=0, atol=1e-10)
        torch.testing.assert_close(log_det_back, -log_det, rtol=0, atol=1e-9)
        truth = log_det_by_autograd(lambda v: bijection(v, cond[:1])[0], x[:1])
        torch.testing.assert_close(log_det[0], truth, rtol=0, atol=1e-9)
        moved(bijection)


@pytest.mark.parametrize("make", BIJECTIONS.values(), ids=BIJECTIONS)
def test_round_trip_in_single_precision(make: Callable[[], Bijection]) -> None:
    bijection = moved(make().eval())
    x, cond = torch.randn(16, FRAMES, CHANNELS), torch.randn(16, FRAMES, COND)
    for dtype in (None, torch.bfloat16):  # under autocast the networks run in bfloat16, the map itself does not
        with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
            y, log_det = bijection(x, cond)
            back, log_det_back = bijection.inverse(y, cond)
        assert y.dtype == log_det.dtype == torch.float32
        if dtype is None:
            torch.testing.assert_close(back, x, rtol=0, atol=1e-4)
            torch.testing.assert_close(log_det_back, -log_det, rtol=0, atol=1e-3)
        else:  # the kept channels come back with float32 rounding, which bfloat16 networks enlarge
            torch.testing.assert_close(back, x, rtol=0, atol=0.15)


@pytest.mark.parametrize("make", BIJECTIONS.values(), ids=BIJECTIONS)
def test_calls_leave_no_trace(make: Callable[[], Bijection]) -> None:
    bijection = moved(make().eval())
    cond, x = torch.randn(3, FRAMES, COND), torch.randn(3, FRAMES, CHANNELS)
    before = {k: v.clone() for k, v in bijection.state_dict().items()}
    first = bijection(x, cond)[0]
    bijection.inverse(torch.randn_like(x), cond)
    bijection(torch.randn_like(x), cond)
    torch.testing.assert_close(bijection(x, cond)[0], first, rtol=0, atol=0)
    assert all(torch.equal(v, before[k]) for k, v in bijection.state_dict().items())


@pytest.mark.parametrize("name", ["glow-lstm", "glow-gru-factored", "flow-batchnorm"])
def test_state_goes_in_and_comes_out(name: str) -> None:
    bijection = moved(BIJECTIONS[name]().double().eval())
    x, cond = torch.randn(2, FRAMES, CHANNELS).double(), torch.randn(2, FRAMES, COND).double()
    whole, log_det, _ = bijection.stream(x, cond)
    if name == "flow-batchnorm":  # no recurrent network: a piece is a signal of its own
        assert not any(bijection.stream(x, cond)[2])
        return
    state, pieces, log_dets = None, [], 0.0
    for t in range(FRAMES):
        y, d, state = bijection.stream(x[:, t : t + 1], cond[:, t : t + 1], state)
        pieces.append(y)
        log_dets = log_dets + d
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole)
    torch.testing.assert_close(log_dets, log_det)


@pytest.mark.parametrize("norm", [ActNorm, ScaleActNorm, BatchNorm])
def test_normalisation_starts_from_the_first_batch_and_only_when_told(norm: type[Bijection]) -> None:
    x = 3 + 5 * torch.randn(64, FRAMES, CHANNELS)
    layer = norm(CHANNELS).eval()
    identity, log_det = layer(x)
    torch.testing.assert_close(identity, x, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(log_det, torch.zeros(64), rtol=0, atol=1e-3)
    layer.initialize(x)
    y, _ = layer(x)
    torch.testing.assert_close(y.mean(dim=(0, 1)), torch.zeros(CHANNELS), rtol=0, atol=1e-4)
    torch.testing.assert_close(y.std(dim=(0, 1), correction=0), torch.ones(CHANNELS), rtol=0, atol=1e-3)


def test_batch_norm_blends_moments_in_training_and_stands_still_in_evaluation() -> None:
    layer = BatchNorm(2, momentum=0.1)
    first, second = torch.randn(8, 3, 2), 4 + torch.randn(8, 3, 2)
    layer.train()(first)
    torch.testing.assert_close(layer.mean, first.mean(dim=(0, 1)))
    layer(second)
    torch.testing.assert_close(layer.mean, 0.9 * first.mean(dim=(0, 1)) + 0.1 * second.mean(dim=(0, 1)))
    still = layer.mean.clone()
    layer.eval()(first)
    assert torch.equal(layer.mean, still)


def test_mixture_inverse_far_out_and_with_sharp_components() -> None:
    log_weights = torch.log_softmax(torch.randn(200, 5).double(), dim=-1)
    means, log_scales = 5 * torch.randn(200, 5).double(), torch.empty(200, 5).double().uniform_(-7, 2)
    y = torch.linspace(-60, 60, 200).double()
    x = invert_mixture_logit(y, log_weights, means, log_scales)
    torch.testing.assert_close(mixture_logit(x, log_weights, means, log_scales)[0], y, rtol=1e-8, atol=1e-6)


def test_squeeze_interleaves_and_undoes() -> None:
    x = torch.arange(12.0).reshape(1, 4, 3)
    assert squeeze(x)[0, 0].tolist() == [0, 3, 1, 4, 2, 5]
    assert torch.equal(unsqueeze(squeeze(x)), x)


def test_initialisation_reaches_every_scale() -> None:
    flows = [Chain([ActNorm(4)]), Chain([ActNorm(4)])]
    x = 7 + 3 * torch.randn(32, 4, 4)
    MultiScale(flows).initialize(x)
    assert all((f.layers[0].shift != 0).all() for f in flows)


def test_priors_are_densities_and_draw_what_they_say() -> None:
    z = torch.randn(7, 2, 3)
    independent = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=(1, 2))
    torch.testing.assert_close(StandardNormal().log_prob(z), independent)
    single = torch.distributions.StudentT(7.0).log_prob(z[..., :1]).sum(dim=(1, 2))
    torch.testing.assert_close(StudentT(7.0).log_prob(z[..., :1]), single)
    for prior, variance in ((StandardNormal(), 1.0), (StudentT(10.0), 10 / 8)):
        draw = prior.sample((20_000, 2, 3), torch.Generator().manual_seed(1))
        assert draw.var().item() == pytest.approx(variance, rel=0.03)
        assert torch.equal(draw, prior.sample((20_000, 2, 3), torch.Generator().manual_seed(1)))


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="unknown norm 'layer'; accepted: none, batchnorm, actnorm"):
        FlowConfig(norm="layer")
    with pytest.raises(ConfigError, match="3 frames cannot be halved 1 times"):
        build_flow(4, 3, 2, 3, FlowConfig(**(SMALL | {"steps": (1, 1)})))
    with pytest.raises(ConfigError, match="4 vectors, one per frame, got 7"):
        build_flow(4, 4, 2, 7, FlowConfig(**SMALL))
    with pytest.raises(ShapeError, match=r"\[batch, frames, 4\], but was given \(1, 3, 5\)"):
        build_flow(4, 3, 2, 3, FlowConfig(**SMALL)).log_prob(torch.zeros(1, 3, 5), torch.zeros(1, 3, 2))
    assert math.isclose(SCALES["bounded"].MINIMUM + 1 / (1 + math.exp(-2)), 1.0)
