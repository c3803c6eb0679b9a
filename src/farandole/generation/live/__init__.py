"""A dance that is made while its music sounds: planned a little ahead, planned anew when the music turns out otherwise."""

from farandole.generation.live.live_dancer import LiveControls, LiveDancer, LivePose

__all__ = ["LiveControls", "LiveDancer", "LivePose"]
