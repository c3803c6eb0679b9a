"""Transformerflow: the earlier variant of Transflower, whose flow has the convolutional coupling network of Flow++."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from farandole.models.base import motion_and_audio
from farandole.models.flows.builders import FlowConfig
from farandole.models.layers.multimodal import EncoderConfig, Modality
from farandole.models.registry import register
from farandole.models.transflower import Transflower, TransflowerConfig


class TransformerflowConfig(TransflowerConfig):
    """Settings of Transformerflow: those of Transflower, with a flow of gated convolutions and no normalisation."""

    @classmethod
    def _presets(cls) -> Mapping[str, Callable[[], TransformerflowConfig]]:
        return {"paper": _paper, "as-released": _as_released, "farandole": _farandole}


def _config(encoder: EncoderConfig, flow: FlowConfig) -> TransformerflowConfig:
    """219 rotation-matrix features and 103 audio features at 60 Hz, 60 + 120 frames in, 10 out."""
    return TransformerflowConfig(motion_and_audio(219, 103, 60, 120), Modality("motion", 219, 10, 60), encoder, flow)


def _paper() -> TransformerflowConfig:
    """The model's defaults with trained position tables, as its options intend."""
    encoder = EncoderConfig(dim=200, heads=8, layers=6, input_positions=("table",), cross_positions=("table",))
    return _config(encoder, FlowConfig(steps=(10,), norm="none", network="convolution", dim=200, layers=10))


def _as_released() -> TransformerflowConfig:
    """transflowpp_rotmat: the tables are frozen zeros, and dropout is 0.1."""
    positions = ("frozen-table",)
    encoder = EncoderConfig(
        dim=200, heads=8, layers=6, input_positions=positions, cross_positions=positions, dropout=0.1
    )
    return _config(
        encoder, FlowConfig(steps=(10,), norm="none", network="convolution", dim=200, layers=10, dropout=0.1)
    )


def _farandole() -> TransformerflowConfig:
    """Read at the predicted frames, with rotary positions and actnorm."""
    encoder = EncoderConfig(
        dim=208,
        heads=8,
        layers=6,
        input_positions=("rotary",),
        cross_positions=("rotary",),
        clock="frame",
        queries="target",
    )
    flow = FlowConfig(
        steps=(10,),
        norm="actnorm",
        positive_norm=True,
        network="convolution",
        dim=208,
        layers=4,
        attention=True,
        scale="exponential",
    )
    return _config(encoder, flow)


@register("transformerflow")
class Transformerflow(Transflower):
    """Transflower with convolutional couplings."""

    Config = TransformerflowConfig
