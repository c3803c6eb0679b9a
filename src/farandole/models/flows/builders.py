"""The two families of flow the models use, built from typed settings: transflower's and MoGlow's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import nn

from farandole.models.errors import one_of, require
from farandole.models.flows.bijection import Bijection, Chain
from farandole.models.flows.coupling import SCALES, Coupling, Scale
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear, Permutation
from farandole.models.flows.networks import (
    ChannelTransformer,
    ConvolutionNetwork,
    FeedForwardNetwork,
    RecurrentNetwork,
    TokenTransformer,
)
from farandole.models.flows.normalisation import ActNorm, BatchNorm, ScaleActNorm
from farandole.models.flows.priors import StandardNormal, StudentT
from farandole.models.flows.scales import MultiScale
from farandole.models.layers.positions import Position

Norm = Literal["none", "batchnorm", "actnorm"]
Prior = Literal["normal", "student-t"]


@dataclass(frozen=True)
class FlowConfig:
    """The flow of transflower and transformerflow: steps of {norm, 1x1, coupling}."""

    steps: tuple[int, ...] = (16,)
    """Steps on each scale; more than one scale halves the frames in between."""
    norm: Norm = "batchnorm"
    """Normalisation at the start of each step."""
    momentum: float = 0.1
    """Of batch norm."""
    positive_norm: bool = False
    """Keep norm scales positive by storing their logarithm (False: as published)."""
    conditioning: Literal["channels", "tokens"] = "channels"
    """One conditioning vector per frame, or a sequence of tokens for the coupling transformers to look at."""
    network: Literal["transformer", "convolution"] = "transformer"
    """Coupling network."""
    dim: int = 512
    """Width of the coupling network."""
    heads: int = 8
    """Attention heads of the coupling transformer."""
    layers: int = 2
    """Layers (transformer) or blocks (convolution) of the coupling network."""
    attention: bool = False
    """Self-attention inside the convolution network's blocks."""
    positions: tuple[Position, ...] = ()
    """Positions in the coupling transformer."""
    components: int = 0
    """Logistics per mixture, 0 for affine couplings."""
    scale: Scale = "bounded"
    """Parametrisation of the couplings' scale."""
    zero_output: bool = False
    """Start with couplings that do nothing."""
    prior: Prior = "normal"
    """Distribution of the latent."""
    degrees: float = 50.0
    """Degrees of freedom of the Student prior."""
    dropout: float = 0.0
    """In the coupling networks."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        object.__setattr__(self, "positions", tuple(self.positions))
        by_channels = self.conditioning == "channels"
        require(
            "flow",
            [
                (min(self.steps, default=0) > 0, f"steps must be positive, got {self.steps}"),
                one_of("norm", self.norm, get_args(Norm)),
                one_of("conditioning", self.conditioning, ("channels", "tokens")),
                one_of("network", self.network, ("transformer", "convolution")),
                one_of("scale", self.scale, SCALES),
                one_of("prior", self.prior, get_args(Prior)),
                (by_channels or self.network == "transformer", "a convolution network is conditioned by channels"),
                (self.components >= 0, f"components must not be negative, got {self.components}"),
                (0 <= self.dropout < 1, f"dropout must be in [0, 1), got {self.dropout}"),
                (self.degrees > 0, f"degrees must be positive, got {self.degrees}"),
            ],
        )


def build_flow(channels: int, frames: int, cond_dim: int, cond_frames: int, config: FlowConfig) -> ConditionalFlow:
    """The flow of transflower on signals [B, frames, channels].

    Args:
        channels: C, at least 2.
        frames: T; must be divisible by two for each scale after the first.
        cond_dim: D.
        cond_frames: Conditioning vectors: equal to `frames` when by channels, any number when by tokens.
        config: Settings.
    Raises:
        ConfigError: If frames cannot be halved often enough, or conditioning by channels is not one per frame.
    """
    scales, by_channels = len(config.steps), config.conditioning == "channels"
    require(
        "flow",
        [
            (channels > 1, f"needs at least 2 features to couple, got {channels}"),
            (frames % 2 ** (scales - 1) == 0, f"{frames} frames cannot be halved {scales - 1} times"),
            (
                not by_channels or cond_frames == frames,
                f"conditioning by channels needs {frames} vectors, one per frame, got {cond_frames}",
            ),
        ],
    )
    flows = []
    for scale, steps in enumerate(config.steps):
        shrink = 2**scale
        cond, length = (cond_dim * shrink if by_channels else cond_dim), frames // shrink
        layers: list[Bijection] = []
        for _ in range(steps):
            if config.norm == "batchnorm":
                layers.append(BatchNorm(channels, config.momentum, config.positive_norm))
            elif config.norm == "actnorm":
                layers.append(ActNorm(channels) if config.positive_norm else ScaleActNorm(channels))
            layers.append(FactoredLinear(channels))
            network = _network(channels, cond, length, 0 if by_channels else cond_frames, config)
            layers.append(Coupling(channels, network, scale=config.scale, components=config.components))
        flows.append(Chain(layers))
    bijection = flows[0] if scales == 1 else MultiScale(flows, squeeze_cond=by_channels)
    return ConditionalFlow(channels, bijection, build_prior(config.prior, config.degrees))


def _network(channels: int, cond: int, length: int, tokens: int, config: FlowConfig) -> nn.Module:
    kept, out = channels // 2, Coupling.parameters_of(channels, config.components)
    if config.network == "convolution":
        return ConvolutionNetwork(
            kept, cond, out, dim=config.dim, blocks=config.layers, attention=config.attention, dropout=config.dropout
        )
    kind = TokenTransformer if config.conditioning == "tokens" else ChannelTransformer
    return kind(
        kept,
        cond,
        out,
        dim=config.dim,
        layers=config.layers,
        heads=config.heads,
        length=length + tokens,
        positions=config.positions,
        dropout=config.dropout,
        zero_output=config.zero_output,
    )


def build_prior(prior: Prior, degrees: float) -> StandardNormal | StudentT:
    """StandardNormal or StudentT."""
    return StandardNormal() if prior == "normal" else StudentT(degrees)


@dataclass(frozen=True)
class GlowConfig:
    """The flow of MoGlow: steps of {actnorm, channel mixing, recurrent coupling}."""

    steps: int = 16
    """K."""
    permutation: Literal["full", "factored", "shuffle", "reverse"] = "full"
    """Channel mixing: a free matrix, its PLU factors, a fixed random order, or reversed order."""
    network: Literal["lstm", "gru", "ff"] = "lstm"
    """Coupling network."""
    dim: int = 512
    """Width of the coupling network."""
    layers: int = 2
    """Recurrent layers."""
    actnorm_scale: float = 1.0
    """Standard deviation after each actnorm at the start."""
    prior: Prior = "normal"
    """Distribution of the latent."""
    degrees: float = 50.0
    """Degrees of freedom of the Student prior."""

    def __post_init__(self) -> None:
        require(
            "glow",
            [
                (self.steps > 0, f"steps must be positive, got {self.steps}"),
                one_of("permutation", self.permutation, ("full", "factored", "shuffle", "reverse")),
                one_of("network", self.network, ("lstm", "gru", "ff")),
                one_of("prior", self.prior, get_args(Prior)),
                (self.actnorm_scale > 0, f"actnorm_scale must be positive, got {self.actnorm_scale}"),
            ],
        )


def build_glow(channels: int, cond_dim: int, config: GlowConfig) -> ConditionalFlow:
    """The flow of MoGlow on signals [B, T, channels] with one conditioning vector per frame; any T.

    References:
        MoGlow (Henter et al., 2020), section 4. https://arxiv.org/abs/1905.06598
    """
    require("glow", [(channels > 1, f"needs at least 2 features to couple, got {channels}")])
    mixing = {
        "full": InvertibleLinear,
        "factored": FactoredLinear,
        "shuffle": Permutation.shuffle,
        "reverse": Permutation.reverse,
    }
    layers: list[Bijection] = []
    for _ in range(config.steps):
        kept, out = channels // 2, Coupling.parameters_of(channels)
        if config.network == "ff":
            network: nn.Module = FeedForwardNetwork(kept, cond_dim, out, dim=config.dim)
        else:
            network = RecurrentNetwork(kept, cond_dim, out, kind=config.network, dim=config.dim, layers=config.layers)
        coupling = Coupling(channels, network, changed="last", scale="sigmoid", layout="interleaved")
        layers += [ActNorm(channels, config.actnorm_scale), mixing[config.permutation](channels), coupling]
    return ConditionalFlow(channels, Chain(layers), build_prior(config.prior, config.degrees))
