"""What a song says: decoding, onsets, beats, features. numpy and PyAV only; nothing here knows of motion or of torch."""

from farandole.music.beats import Beats, track_beats
from farandole.music.song import Song, load_song

__all__ = ["Beats", "Song", "load_song", "track_beats"]
