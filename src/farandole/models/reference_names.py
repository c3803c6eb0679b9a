"""Weights of the earlier public implementation (transflower-lightning, commit 56e93a5) under our names.

Every function returns a dictionary from our state-dict name to theirs. `translate` then makes a state dict of arrays
stored under their names. Shapes differ only by axes of length one, which `translate` removes; buffers of theirs that
are constants or flags without a counterpart here (masks, dequantisation bounds) are left out.

Their flow of several scales is not covered: no weights of it are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from farandole.models.flows.bijection import Chain
from farandole.models.flows.coupling import BoundedScale, Coupling
from farandole.models.flows.flow import ConditionalFlow
from farandole.models.flows.mixing import FactoredLinear, InvertibleLinear
from farandole.models.flows.networks import (
    ChannelTransformer,
    FeedForwardNetwork,
    RecurrentNetwork,
    TokenTransformer,
)
from farandole.models.flows.normalisation import ActNorm, BatchNorm, ScaleActNorm
from farandole.models.layers.multimodal import MultimodalEncoder
from farandole.models.layers.transformer_block import TransformerBlock
from farandole.models.moglow import MoGlow
from farandole.models.transflower import Transflower
from farandole.models.transformer import Transformer
from farandole.models.transglower import Transglower

FACTORED = {"lower": "l", "upper": "u", "log_diagonal": "log_s", "permutation": "p", "sign": "sign_s"}
LAYER = {
    "attention.qkv.weight": "self_attn.in_proj_weight",
    "attention.qkv.bias": "self_attn.in_proj_bias",
    "attention.out": "self_attn.out_proj",
    "expand": "linear1",
    "contract": "linear2",
    "norm_attention": "norm1",
    "norm_hidden": "norm2",
}


def _prefixed(ours: str, theirs: str, names: Mapping[str, str]) -> dict[str, str]:
    return {f"{ours}{a}": f"{theirs}{b}" for a, b in names.items()}


def _affine(ours: str, theirs: str) -> dict[str, str]:
    """A linear map or layer norm: weight and bias."""
    return {f"{ours}.{k}": f"{theirs}.{k}" for k in ("weight", "bias")}


def block_names(block: TransformerBlock, ours: str = "", theirs: str = "") -> dict[str, str]:
    """Names of a transformer block; `ours` and `theirs` are prefixes ending in a dot, or empty."""
    names = _affine(f"{ours}inlet", f"{theirs}encoder1") | _affine(f"{ours}outlet", f"{theirs}decoder")
    if block.embedding is not None:
        names[f"{ours}embedding.weight"] = f"{theirs}encoder.weight"
    if block.table is not None:
        names[f"{ours}table"] = f"{theirs}pos_encoder.pe"
    if block.pairwise is not None:
        names[f"{ours}pairwise"] = f"{theirs}pos_emb"
    for i in range(len(block.layers)):
        a, b = f"{ours}layers.{i}.", f"{theirs}transformer_encoder.layers.{i}."
        for mine, other in LAYER.items():
            names |= {a + mine: b + other} if "qkv" in mine else _affine(a + mine, b + other)
    return names


def flow_names(flow: ConditionalFlow, ours: str = "", theirs: str = "") -> dict[str, str]:
    """Names of a one-scale transflower flow ("Flow++" module)."""
    names: dict[str, str] = {}
    if not isinstance(flow.bijection, Chain):
        raise TypeError("only flows of one scale have known reference names")
    for i, layer in enumerate(flow.bijection.layers):
        a, b = f"{ours}bijection.layers.{i}.", f"{theirs}flows.channels.{i}."
        if isinstance(layer, BatchNorm):
            table = {"gamma": "gamma", "beta": "beta", "mean": "running_mean", "variance": "running_var"}
            names |= _prefixed(a, b, table | {"started": "is_initialized"})
        elif isinstance(layer, ScaleActNorm):
            names |= _prefixed(a, b, {"mean": "mean", "inverse_std": "inv_std"})
        elif isinstance(layer, FactoredLinear):
            names |= _prefixed(a, b, FACTORED)
        elif isinstance(layer, Coupling) and isinstance(layer.network, ChannelTransformer | TokenTransformer):
            names |= block_names(layer.network.block, f"{a}network.block.", f"{b}nn.transformer.")
            if isinstance(layer.network, TokenTransformer):
                names |= _affine(f"{a}network.inlet", f"{b}input_encoder")
            if isinstance(layer.scale, BoundedScale):
                names |= _prefixed(f"{a}scale.", f"{b}nn.rescale.", {"gain": "weight_g", "direction": "weight_v"})
        else:
            raise TypeError(f"no reference names are known for {type(layer).__name__}")
    return names


def glow_names(flow: ConditionalFlow, ours: str = "", theirs: str = "") -> dict[str, str]:
    """Names of a MoGlow flow: three of our layers are one of theirs."""
    names: dict[str, str] = {}
    for i, layer in enumerate(cast("Chain", flow.bijection).layers):
        a, b = f"{ours}bijection.layers.{i}.", f"{theirs}flow.layers.{i // 3}."
        if isinstance(layer, ActNorm):
            names |= _prefixed(a, f"{b}actnorm.", {"shift": "bias", "log_scale": "logs"})
        elif isinstance(layer, InvertibleLinear):
            names[f"{a}weight"] = f"{b}invconv.weight"
        elif isinstance(layer, FactoredLinear):
            names |= _prefixed(a, f"{b}invconv.", FACTORED)
        elif isinstance(layer, Coupling) and isinstance(layer.network, RecurrentNetwork):
            kind = type(layer.network.recurrent).__name__.lower()
            for key, _ in layer.network.recurrent.named_parameters():
                names[f"{a}network.recurrent.{key}"] = f"{b}f.{kind}.{key}"
            names |= _affine(f"{a}network.outlet", f"{b}f.linear")
        elif isinstance(layer, Coupling) and isinstance(layer.network, FeedForwardNetwork):
            for mine, other in (("first", "0"), ("second", "2"), ("outlet", "4")):
                names |= _affine(f"{a}network.{mine}", f"{b}f.{other}")
    return names


def translate(names: Mapping[str, str], arrays: Mapping[str, Any], model: nn.Module) -> dict[str, Tensor]:
    """Arrays under their names -> a state dict for `model` (strict loading works, bar entries without a counterpart).

    Args:
        names: From one of the functions above.
        arrays: Their name -> NumPy array or tensor.
        model: Gives shapes and types.
    Raises:
        KeyError: If an array is missing.
        ValueError: If shapes differ by more than axes of length one.
    """
    state = model.state_dict()
    result: dict[str, Tensor] = {}
    for mine, other in names.items():
        value, wanted = torch.as_tensor(arrays[other]), state[mine]
        if [n for n in value.shape if n != 1] != [n for n in wanted.shape if n != 1]:
            raise ValueError(f"{other}: shape {tuple(value.shape)} does not fit {mine} {tuple(wanted.shape)}")
        result[mine] = value.reshape(wanted.shape).to(wanted.dtype)
    return result


def encoder_names(encoder: MultimodalEncoder, ours: str = "encoder.", output: str = "motion") -> dict[str, str]:
    """Names of the multimodal encoder."""
    names = block_names(encoder.cross, f"{ours}cross.", f"net_output_{output}.")
    for name, block in encoder.inputs.items():
        names |= block_names(block, f"{ours}inputs.{name}.", f"net_input_{name}.")
    return names


def reference_names(model: nn.Module) -> dict[str, str]:
    """Names of a whole model: Transformer, Transflower, Transglower or MoGlow.

    Raises:
        TypeError: For other models, of which no weights are known.
    """
    if isinstance(model, MoGlow):
        return glow_names(model.flow, "flow.", "net_glow.")
    if isinstance(model, Transformer):
        return encoder_names(model.encoder)
    if isinstance(model, Transglower):
        return encoder_names(model.encoder) | glow_names(model.flow, "flow.", "net_output_glow_motion.")
    if isinstance(model, Transflower) and model.mean is None:
        return encoder_names(model.encoder) | flow_names(model.flow, "flow.", "net_output_glow_motion.")
    raise TypeError(f"no reference names are known for {type(model).__name__}")
