"""How likely each frame of sound is a beat or a downbeat: a small recurrent network of our own, run in numpy."""

from farandole.music.activation.network import BeatNetwork, load_network
from farandole.music.activation.spectrum import SpectrumInput, spectrum_input

__all__ = ["BeatNetwork", "SpectrumInput", "load_network", "spectrum_input"]
