"""Beats and bars of a song: found in its sound, or told by a person."""

from farandole.music.beats.grid import Beats
from farandole.music.beats.tracking import BeatTracker, track_beats

__all__ = ["BeatTracker", "Beats", "track_beats"]
