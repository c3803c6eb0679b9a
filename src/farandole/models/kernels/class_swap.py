"""Switching the kernels on: parts of a model take the class that computes the same in less time."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from farandole.models.flows.networks import RecurrentNetwork
from farandole.models.kernels.dropout import Dropout
from farandole.models.kernels.encoder_layer import QuickEncoderLayer, QuickSelfAttention
from farandole.models.kernels.linear import onednn_is_faster, use_fast_linear
from farandole.models.kernels.lstm import QuickRecurrentNetwork
from farandole.models.layers.transformer_block import EncoderLayer, SelfAttention, TransformerBlock

M = TypeVar("M", bound=nn.Module)


def enable(model: M) -> M:
    """Make a model quicker to train and to run on the CPU, in place; returns it.

    Parameters and state dict stay as they are. Second derivatives are not available, and dropout draws other numbers.
    """
    use_quick_transformers(model)
    use_fast_linear(model)
    if onednn_is_faster():
        for part in model.modules():
            if type(part) is RecurrentNetwork and isinstance(part.recurrent, nn.LSTM):
                part.__class__ = QuickRecurrentNetwork
    return model


def use_quick_transformers(model: M) -> M:
    """Give every transformer inside `model` quick attention and dropout, in place; returns it."""
    for part in model.modules():
        if type(part) is SelfAttention:
            part.__class__ = QuickSelfAttention
        elif type(part) is EncoderLayer:
            part.__class__ = QuickEncoderLayer
        if isinstance(part, EncoderLayer | TransformerBlock) and type(part.dropout) is nn.Dropout:
            part.dropout.__class__ = Dropout
    return model
