"""The form of a song: where its sections begin, which of them repeat, how lively each is."""

from farandole.music.sections.form import Section, find_sections

__all__ = ["Section", "find_sections"]
