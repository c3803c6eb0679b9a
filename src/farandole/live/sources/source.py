"""What every source of live sound offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from farandole.motion.rotations import Array


class Block(NamedTuple):
    """Samples float [n] or [n, channels] in -1..1, and when the first of them sounds, s on the monotonic clock."""

    samples: Array
    at: float


class Source(Protocol):
    """Sound as it comes.

    Attributes:
        name: For messages.
        sample_rate: Of its blocks, Hz.
    """

    name: str
    sample_rate: int

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        ...

    def start(self, now: float) -> None:
        """Begin; `now` s on the monotonic clock."""
        ...

    def available(self, now: float) -> list[Block]:
        """Blocks that have come since the last call; never waits."""
        ...

    def close(self) -> None:
        """End."""
        ...
