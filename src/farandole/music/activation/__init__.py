"""How likely each frame of sound is a beat or a downbeat, and how fast it goes: a small network of our own, run in numpy."""

from farandole.music.activation.network import (
    TEMPI,
    Activation,
    BeatNetwork,
    TwiceTold,
    against_even,
    level_votes,
    load_network,
)
from farandole.music.activation.spectrum import SpectrumInput, SpectrumRows, spectrum_input

__all__ = [
    "TEMPI",
    "Activation",
    "BeatNetwork",
    "SpectrumInput",
    "SpectrumRows",
    "TwiceTold",
    "against_even",
    "level_votes",
    "load_network",
    "spectrum_input",
]
