"""A sound file, as it would be heard while it plays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from farandole.live.sources.source import Block
from farandole.music.decode import decode_blocks

if TYPE_CHECKING:
    from farandole.motion.rotations import Array

RATE = 22050
"""Files are decoded to the rate at which music is heard, Hz."""
_BLOCK = 512


class SoundFile:
    """Plays silently: each block comes when it would have been heard.

    Args:
        path: Anything `dance` reads.

    Raises:
        AudioError: If the file cannot be used; what shows only later is raised by `available`.
    """

    sample_rate = RATE

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self._blocks = self.blocks()
        self._next: Array | None = next(self._blocks, None)
        self._begun, self._samples = 0.0, 0

    def blocks(self) -> Iterator[Array]:
        """All blocks of 23 ms, in order."""
        return decode_blocks(self.path, sample_rate=RATE, block=_BLOCK)

    @property
    def ended(self) -> bool:
        """See `Source`."""
        return self._next is None

    def start(self, now: float) -> None:
        """See `Source`."""
        self._begun = now

    def available(self, now: float) -> list[Block]:
        """See `Source`."""
        result = []
        while self._next is not None and self._samples + len(self._next) <= (now - self._begun) * RATE:
            result.append(Block(self._next, self._begun + self._samples / RATE))
            self._samples += len(self._next)
            self._next = next(self._blocks, None)
        return result

    def close(self) -> None:
        """See `Source`."""
        self._next = None
