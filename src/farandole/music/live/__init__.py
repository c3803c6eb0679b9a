"""Hearing while it sounds: blocks of samples in; beat count, tempo, bar, energy and colour out, with nothing heard ahead."""

from farandole.music.live.ears import LiveEars, LiveState

__all__ = ["LiveEars", "LiveState"]
