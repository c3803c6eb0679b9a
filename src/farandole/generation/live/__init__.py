"""A dance that is made while its music sounds: planned a little ahead, planned anew when the music turns out otherwise."""

from farandole.generation.live.controls import LiveControls
from farandole.generation.live.live_dancer import LiveDancer, LivePose

__all__ = ["LiveControls", "LiveDancer", "LivePose"]
