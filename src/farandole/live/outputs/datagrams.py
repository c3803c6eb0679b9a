"""UDP to one place, without waiting."""

from __future__ import annotations

import socket
from contextlib import suppress

from farandole.errors import OutputError


def parse_address(where: str, usual: str = "127.0.0.1") -> tuple[str, int]:
    """'39539' or 'host:39539' or '[::1]:39539' -> host and port.

    Raises:
        OutputError: If it is neither.
    """
    host, _, port = where.strip().rpartition(":")
    host = host.strip("[]") or usual
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise OutputError(f"'{where}' is no address: accepted is a port (39539) or host:port (192.168.0.7:39539)")
    return host, int(port)


class Datagrams:
    """A UDP socket; what cannot be sent at once is lost, as it would be on the way.

    Args:
        where: '[host:]port'.

    Raises:
        OutputError: If the address makes no sense or its host is not known.
    """

    def __init__(self, where: str) -> None:
        host, port = parse_address(where)
        try:
            family, _, _, _, self._address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise OutputError(f"{where}: no such host ({error.strerror or error})") from None
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, data: bytes) -> None:
        """Send a packet or lose it: nobody listening, no network, or a full queue are no reason to stop a dance."""
        with suppress(OSError):
            self._socket.sendto(data, self._address)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
