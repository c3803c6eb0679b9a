"""Synthesised songs on an exact beat grid."""

from farandole.data.starter.songs.composer import ComposedSong, compose, compose_on_grid, genres

__all__ = ["ComposedSong", "compose", "compose_on_grid", "genres"]
