"""A local file server that misbehaves on request."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """Files by path and how they are served.

    Attributes:
        files: Path -> content.
        ranges: Whether parts are sent when asked for.
        etags: Whether versions are told.
        break_after: Bytes of each response after which the connection is cut; None for never.
        answers: Path -> answers given in turn (the last for ever), each a status, headers and pieces of the body; between pieces
            the server waits `pause` s, and it closes the connection after them.
        pause: Seconds.
        wrong_part: Answer requests for a part with another part.
        seen: Range header of every request ("" without).
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.ranges, self.etags = files, True, True
        self.break_after: int | None = None
        self.wrong_part = False
        self.seen: list[str] = []
        self.base = ""
        self.answers: dict[str, list[tuple[int, dict[str, str], list[bytes]]]] = {}
        self.pause = 0.0


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Site]:
    site = Site(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, turns: list[tuple[int, dict[str, str], list[bytes]]]) -> None:
            status, headers, pieces = turns.pop(0) if len(turns) > 1 else turns[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(site.pause)
            except OSError:
                pass  # the other side has gone
            self.close_connection = True

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            site.seen.append(asked)
            if self.path in site.answers:
                self.answer(site.answers[self.path])
                return
            content = site.files.get(self.path)
            if self.path == "/away.zip":
                self.send_response(302)
                self.send_header("Location", "/data.zip")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if content is None:
                self.send_error(404)
                return
            etag = f'"{hashlib.md5(content).hexdigest()}"'
            begin = 0
            same = self.headers.get("If-Range", etag) == etag
            if asked and site.ranges and same:
                begin = int(asked.removeprefix("bytes=").removesuffix("-")) + (5 if site.wrong_part else 0)
                if begin >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            if site.etags:
                self.send_header("ETag", etag)
            body = content[begin:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if site.break_after is not None and site.break_after < len(body):
                self.wfile.write(body[: site.break_after])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
