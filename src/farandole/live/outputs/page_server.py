"""A page that shows the live dance, and the WebSocket behind it: one thread of its own, which no client can hold up."""

from __future__ import annotations

import asyncio
import json
import queue
import secrets
import threading
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from farandole.errors import FarandoleError, MissingExtraError, OutputError
from farandole.live.outputs.live_page import hello_message, live_page_html
from farandole.live.outputs.vrm_pose import VrmPoser

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from farandole.live.live import Live, LiveFrame

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Addresses that only programs on this computer reach."""
_LARGEST_COMMAND = 2048  # bytes a client may send at once
_MOST_CLIENTS = 256
_PATIENCE = 10.0  # s after which a client that takes nothing is let go
_CHANGES = {"style": str, "energy": (int, float), "seed": int, "dancing": bool}


class PageServer:
    """Serves the page, and frames to everybody who looks at it; takes commands from them.

    On this computer's own address pages of other origins are turned away; on other addresses a token is needed, which `url` holds.
    A client that is slow misses frames. What is malformed is ignored.

    Args:
        live: The dancer, for its body and styles.
        host: Address to listen at.
        port: Port; 0 for any that is free.
        character: A .vrm file that the page shows instead of a plain figure.

    Raises:
        MissingExtraError: If websockets is not installed.
        OutputError: If the address cannot be used.
    """

    def __init__(self, live: Live, *, host: str = "127.0.0.1", port: int = 8137, character: Path | None = None) -> None:
        try:
            import websockets  # noqa: F401
        except ImportError:
            raise MissingExtraError("the page of a live dance", "live") from None
        self.token = None if host in LOOPBACK else secrets.token_urlsafe(18)
        self._host, self._port = host, port
        self._poser = VrmPoser(live.skeleton, character)
        self._character = None if character is None else character.read_bytes()
        self._hello = hello_message(live, self._poser, character is not None)
        self._controls = live.controls
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue(64)
        self._latest, self._number, self._clients = "", 0, 0
        self._loop = asyncio.new_event_loop()
        self._started: queue.Queue[OSError | None] = queue.Queue()
        self._thread = threading.Thread(target=self._serve, name="farandole-page", daemon=True)
        self._thread.start()
        error = self._started.get()
        if error is not None:
            self._thread.join()  # it closes the loop
            raise OutputError(f"{host}:{port}: cannot listen there ({error.strerror or error}): choose another --port")

    @property
    def url(self) -> str:
        """Where the page is."""
        name = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{name}:{self._port}/" + (f"?token={self.token}" if self.token else "")

    def send(self, frame: LiveFrame) -> None:
        """Show a frame to whoever looks."""
        if not self._clients:
            return
        text = self._frame_message(frame)
        with suppress(RuntimeError):  # closed meanwhile
            self._loop.call_soon_threadsafe(self._publish, text)

    def obey(self, live: Live) -> None:
        """Carry out what was asked for on the page; called by the thread that dances."""
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                break
            try:
                live.change(**command)
            except FarandoleError:  # a style that does not exist, a number out of range
                continue
        self._controls = live.controls

    def close(self) -> None:
        """End the server and its thread."""
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=5)

    def _frame_message(self, frame: LiveFrame) -> str:
        pose = self._poser.pose(frame.rotations, frame.root)
        turns = np.asarray(frame.rotations)[:, [1, 2, 3, 0]]
        controls = self._controls
        return json.dumps(
            {
                "t": round(frame.time, 3),
                "q": np.round(turns, 4).ravel().tolist(),
                "root": np.round(frame.root, 4).tolist(),
                "vrm": np.round(pose.rotations[:, [1, 2, 3, 0]], 4).ravel().tolist(),
                "hips": np.round(pose.hips, 4).tolist(),
                "beat": [round(frame.count, 3), round(frame.tempo, 1), round(frame.bar, 3), frame.beats_per_bar],
                "sure": round(frame.sure, 2),
                "loudness": round(frame.energy, 2),
                "standing": frame.standing,
                "controls": [controls.style, controls.energy, controls.seed, controls.dancing],
            },
            separators=(",", ":"),
        )

    def _publish(self, text: str) -> None:
        self._latest, self._number = text, self._number + 1
        self._news.set()
        self._news = asyncio.Event()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        from websockets.asyncio.server import serve

        self._ended, self._news = asyncio.Event(), asyncio.Event()
        try:
            server = await serve(
                self._talk, self._host, self._port, process_request=self._admit, max_size=_LARGEST_COMMAND,
                max_queue=4, write_limit=16384, compression=None, ping_interval=20, ping_timeout=20, close_timeout=1,
            )  # fmt: skip
        except OSError as error:
            self._started.put(error)
            return
        self._port = next(iter(server.sockets)).getsockname()[1]
        self._started.put(None)
        async with server:
            await self._ended.wait()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers requests for pages; None lets a WebSocket in."""
        url = urlsplit(request.path)
        refused = self._refusal(request, parse_qs(url.query).get("token", [""])[0])
        if refused:
            return connection.respond(HTTPStatus.FORBIDDEN, refused + "\n")
        if url.path == "/ws":
            if self._clients >= _MOST_CLIENTS:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers\n")
            return None
        if url.path == "/":
            text, policy = live_page_html()
            return _respond(connection, text.encode(), "text/html; charset=utf-8", policy)
        if url.path == "/character.vrm" and self._character is not None:
            return _respond(connection, self._character, "model/gltf-binary", "default-src 'none'")
        return connection.respond(HTTPStatus.NOT_FOUND, "not found\n")

    def _refusal(self, request: Request, token: str) -> str | None:
        """Why a request is turned away, or None."""
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        if self.token is not None:
            if not secrets.compare_digest(token.encode(), self.token.encode()):
                return "the address lacks the token that farandole printed"
        elif (urlsplit(f"//{host}").hostname or "") not in LOOPBACK:
            return "this page answers to its own address only"
        if origin is not None and urlsplit(origin).netloc != host:
            return "pages of other origins are not let in"
        return None

    async def _talk(self, connection: ServerConnection) -> None:
        """One client: newest frames out, commands in."""
        from websockets.exceptions import ConnectionClosed

        self._clients += 1
        listening = asyncio.create_task(self._listen(connection))
        try:
            await connection.send(self._hello)
            shown = 0
            while not self._ended.is_set():
                if shown == self._number:
                    news = asyncio.create_task(self._news.wait())
                    await asyncio.wait((news, listening), return_when=asyncio.FIRST_COMPLETED)
                    news.cancel()
                    if listening.done():
                        break
                    continue
                shown = self._number
                await asyncio.wait_for(connection.send(self._latest), _PATIENCE)
        except (ConnectionClosed, TimeoutError, asyncio.TimeoutError):
            pass
        finally:
            self._clients -= 1
            listening.cancel()

    async def _listen(self, connection: ServerConnection) -> None:
        async for text in connection:
            command = _command(text)
            if command:
                try:
                    self._commands.put_nowait(command)
                except queue.Full:
                    continue


def _command(text: str | bytes) -> dict[str, Any] | None:
    """Changes that a client asks for; None for anything else."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, dict) or not value or not set(value) <= set(_CHANGES):
        return None
    for name, wanted in value.items():
        if not isinstance(value[name], _CHANGES[name]) or (isinstance(wanted, bool) and name != "dancing"):
            return None
        if isinstance(wanted, float) and not np.isfinite(wanted):
            return None
        if isinstance(wanted, int) and not 0 <= wanted < 2**63:
            return None
    return value


def _respond(connection: ServerConnection, body: bytes, kind: str, policy: str) -> Response:
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "Connection": "close",
        }
    )
    return Response(200, "OK", headers, body)
