"""The yardstick: what the published implementation of the flow family does, written down plainly with torch's own parts.

Kept is what costs time there: sequence-first tokens through `nn.TransformerEncoder` and all of them through all layers,
3x3 convolutions of images of width one, one pass of the transformer per frame (Transglower), windows by concatenation with
one frame kept per pass, inverse matrices found once in double precision, Adam as torch gives it. Weights are those of the
model it is made from, and so are the numbers.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from farandole.models.base import MotionModel
from farandole.models.flows.constants import ConstantMixing
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear
from farandole.models.flows.networks import ChannelTransformer, ConvolutionNetwork, TokenTransformer
from farandole.models.layers.multimodal import MultimodalEncoder
from farandole.models.layers.transformer_block import TransformerBlock
from farandole.models.reference_names import block_names
from farandole.models.transglower import Transglower


class PlainBlock(nn.Module):
    """Linear, torch's post-norm encoder, linear; tokens are [T, B, D]."""

    def __init__(self, block: TransformerBlock) -> None:
        super().__init__()
        dim, heads = block.inlet.out_features, block.layers[0].attention.heads
        layer = nn.TransformerEncoderLayer(dim, heads, dim, block.dropout.p)
        self.encoder = nn.Embedding.from_pretrained(block.embedding.weight, freeze=False) if block.embedding else None
        self.encoder1 = nn.Linear(block.inlet.in_features, dim)
        self.transformer_encoder = nn.TransformerEncoder(layer, len(block.layers), enable_nested_tensor=False)
        self.decoder = nn.Linear(dim, block.outlet.out_features)
        self.bias = None if block.pairwise is None else nn.Parameter(block.pairwise.detach().clone())
        state, names = block.state_dict(), block_names(block)
        own = {k: v for k, v in names.items() if k not in ("table", "pairwise", "embedding.weight")}
        self.load_state_dict({theirs: state[ours] for ours, theirs in own.items()}, strict=False)

    def forward(self, x: Tensor) -> Tensor:
        """[T, B, input] -> [T, B, output]."""
        x = x if self.encoder is None else self.encoder(x)
        return self.decoder(self.transformer_encoder(self.encoder1(x), mask=self.bias))


class PlainEncoder(nn.Module):
    """A transformer per input, one over all, its first outputs."""

    def __init__(self, encoder: MultimodalEncoder) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({k: PlainBlock(b) for k, b in encoder.inputs.items()})
        self.cross, self.outputs = PlainBlock(encoder.cross), encoder.outputs

    def forward(self, windows: dict[str, Tensor]) -> Tensor:
        """Windows [B, T, D] -> [B, K, output]."""
        parts = [block(windows[name].transpose(0, 1)) for name, block in self.blocks.items()]
        return self.cross(torch.cat(parts))[: self.outputs].transpose(0, 1)


class PlainChannels(nn.Module):
    """The coupling network on [kept; cond] by channels."""

    def __init__(self, network: ChannelTransformer) -> None:
        super().__init__()
        self.block = PlainBlock(network.block)

    def forward(self, kept: Tensor, cond: Tensor, state=None) -> tuple[Tensor, None]:
        """kept [B, T, K], cond [B, T, D] -> parameters [B, T, P]."""
        return self.block(torch.cat((kept, cond), dim=-1).transpose(0, 1)).transpose(0, 1), None


class PlainTokens(nn.Module):
    """The coupling network on kept frames followed by conditioning tokens."""

    def __init__(self, network: TokenTransformer) -> None:
        super().__init__()
        self.inlet, self.block = copy.deepcopy(network.inlet), PlainBlock(network.block)

    def forward(self, kept: Tensor, cond: Tensor, state=None) -> tuple[Tensor, None]:
        """kept [B, T, K], cond [B, S, D] -> parameters [B, T, P]."""
        tokens = torch.cat((self.inlet(kept), cond), dim=1).transpose(0, 1)
        return self.block(tokens)[: kept.shape[1]].transpose(0, 1), None


def _square(convolution: nn.Conv1d) -> nn.Module:
    """A weight-normed convolution over time -> the same one over an image of width one."""
    originals = convolution.parametrizations.weight
    gain, direction = originals.original0.detach(), originals.original1.detach()
    size = convolution.kernel_size[0]
    made = nn.Conv2d(convolution.in_channels, convolution.out_channels, size, padding=size // 2)
    made = nn.utils.parametrizations.weight_norm(made)
    with torch.no_grad():
        made.parametrizations.weight.original0.copy_(gain[..., None])
        made.parametrizations.weight.original1.zero_()
        made.parametrizations.weight.original1[..., size // 2].copy_(direction)
        made.bias.copy_(convolution.bias)
    return nn.Sequential(nn.Unflatten(-1, (-1, 1)), made, nn.Flatten(-2))


def plain(model: MotionModel, *, copies: bool = True) -> MotionModel:
    """The plain twin of a model of the family with the preset "as-released"; not `copies`: made of the model itself."""
    made = copy.deepcopy(model) if copies else model
    for part in list(made.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, MultimodalEncoder):
                setattr(part, name, PlainEncoder(child))
            elif isinstance(child, ChannelTransformer):
                setattr(part, name, PlainChannels(child))
            elif isinstance(child, TokenTransformer):
                setattr(part, name, PlainTokens(child))
            elif isinstance(child, ConvolutionNetwork):
                for inner in list(child.modules()):
                    for key, convolution in list(inner.named_children()):
                        if isinstance(convolution, nn.Conv1d):
                            setattr(inner, key, _square(convolution))
    if isinstance(made, Transglower):
        made.condition = lambda windows: _frame_by_frame(made, windows)
    return made


def _frame_by_frame(model: Transglower, windows: dict[str, Tensor]) -> tuple[Tensor, None]:
    lengths = {m.name: m.frames for m in model.config.inputs}
    first = model.config.inputs[0].name
    frames = windows[first].shape[1] - lengths[first] + 1
    cut = lambda t: {k: v[:, t : t + lengths[k]] for k, v in windows.items()}  # noqa: E731
    return torch.cat([model.encoder(cut(t)) for t in range(frames)], dim=1), None


def with_inverses(model: MotionModel) -> MotionModel:
    """The model with the inverses of its mixing matrices kept, as the published one keeps them."""
    made = copy.deepcopy(model, {id(t): t for t in (*model.parameters(), *model.buffers())})
    if hasattr(model, "condition") and isinstance(made, Transglower):
        made.condition = lambda windows: _frame_by_frame(made, windows)
    for part in list(made.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, InvertibleLinear | FactoredLinear):
                setattr(part, name, ConstantMixing(child))
    return made


@torch.no_grad()
def generate(model: MotionModel, sequences: dict[str, Tensor], noise: Tensor | None, frames: int) -> Tensor:
    """The published loop; sequences [B, T, D], noise [frames, B, H, C] -> [B, frames, D]."""
    moving = {m.name: m for m in model.generation_inputs if not m.fixed}
    windows = {k: v[:, : moving[k].frames] if k in moving else v for k, v in sequences.items()}
    made, state = None, None
    for t in range(frames):
        drawn, state = model.sample(windows, noise=None if noise is None else noise[t], state=state)
        frame = drawn[:, :1]
        made = frame if made is None else torch.cat((made, frame), dim=1)
        for name, m in moving.items():
            end = m.frames + t
            new = frame if name == model.target.name else sequences[name][:, end : end + 1]
            windows[name] = torch.cat((windows[name][:, 1:], new), dim=1)
    return made
