"""What every output offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from farandole.live.live import LiveFrame


class Output(Protocol):
    """Takes frames and never waits."""

    def send(self, frame: LiveFrame) -> None:
        """Send a frame, or drop it where the other side is not there."""
        ...

    def close(self) -> None:
        """Finish: close sockets, write files."""
        ...
