"""The live page's server: who is let in, what is believed, and that nobody can hold the dance up."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest

import farandole as fa
from farandole.errors import OutputError
from farandole.live import LiveFrame
from farandole.live.outputs.page_server import PageServer, _command
from farandole.motion import rotations as rot

websockets = pytest.importorskip("websockets.sync.client")


@pytest.fixture(scope="module")
def live() -> fa.Live:
    return fa.Live()


@pytest.fixture
def server(live: fa.Live) -> Iterator[PageServer]:
    page = PageServer(live, port=0)
    yield page
    page.close()


def frame(time_: float = 0.0) -> LiveFrame:
    return LiveFrame(time_, rot.identity(21), np.array([0.0, 0.92, 0.0]), 0.0, 120.0, 0.0, 4, 1.0, 0.0, False)


def socket_of(page: PageServer, **options):
    url = urlsplit(page.url)
    query = f"?{url.query}" if url.query else ""
    return websockets.connect(f"ws://{url.netloc}/ws{query}", open_timeout=20, **options)


def shown(page: PageServer, client, tries: int = 200) -> dict:
    """The next frame that a client gets."""
    for n in range(tries):
        page.send(frame(float(n)))
        try:
            message = json.loads(client.recv(timeout=0.1))
        except TimeoutError:
            continue
        if "q" in message:
            return message
    raise AssertionError("no frame came")


def test_viewers_get_the_body_and_then_frames(server: PageServer, live: fa.Live) -> None:
    with socket_of(server) as client:
        hello = json.loads(client.recv(timeout=10))
        assert hello["joints"] == list(live.skeleton.names)
        message = shown(server, client)
        assert len(message["q"]) == 4 * len(live.skeleton)
        assert message["beat"][1] == 120.0


def test_commands_of_viewers_are_obeyed_and_nonsense_is_not(server: PageServer, live: fa.Live) -> None:
    with socket_of(server) as client:
        for text in (
            "{",
            "[]",
            "{}",
            '{"style": 3}',
            '{"style": "polka"}',
            '{"energy": 99}',
            '{"nothing": 1}',
            b"\xff",
        ):
            client.send(text)
        client.send(json.dumps({"energy": 1.5, "style": "groove"}))
        end = time.monotonic() + 10
        while live.controls.energy != 1.5 and time.monotonic() < end:
            server.obey(live)
            time.sleep(0.01)
    assert (live.controls.style, live.controls.energy) == ("groove", 1.5)
    live.change(style="auto", energy=1.0)


@pytest.mark.parametrize(
    "text",
    ["", "null", "3", '"x"', "{}", '{"seed": true}', '{"seed": -1}', '{"seed": 1.5}', '{"energy": NaN}', '{"dancing": 1}',
     '{"temperature": 1}', '{"seed": 99999999999999999999999}', '{"energy": "1"}'],
)  # fmt: skip
def test_malformed_commands_are_none(text: str) -> None:
    assert _command(text) is None


def test_large_messages_end_the_connection_only(server: PageServer) -> None:
    with socket_of(server) as rude, socket_of(server) as other:
        rude.send("x" * 100_000)
        assert "q" in shown(server, other)


def test_pages_of_other_origins_are_turned_away(server: PageServer) -> None:
    with pytest.raises(Exception, match="403"), socket_of(server, origin="http://evil.example"):
        pass
    own = f"http://{urlsplit(server.url).netloc}"
    with socket_of(server, origin=own):
        pass


def test_other_host_names_are_turned_away(server: PageServer) -> None:
    request = urllib.request.Request(server.url, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)


def test_off_this_computer_a_token_is_needed(live: fa.Live) -> None:
    page = PageServer(live, host="0.0.0.0", port=0)
    try:
        assert page.token
        bare = page.url.partition("?")[0].replace("0.0.0.0", "127.0.0.1")
        for url in (bare, bare + "?token=wrong"):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(url, timeout=10)
        with socket_of(page):
            pass
    finally:
        page.close()


def test_many_and_slow_viewers_do_not_hold_the_dance_up(server: PageServer) -> None:
    with ExitStack() as leaving:
        # Nobody reads, so nobody hears that the other side says goodbye: do not wait for it.
        clients = [leaving.enter_context(socket_of(server, ping_interval=None, close_timeout=0.1)) for _ in range(100)]
        for n in range(300):  # nobody reads
            server.send(frame(float(n)))
        assert "q" in shown(server, clients[-1])
        assert server._loop.is_running()


def test_a_port_in_use_is_told(server: PageServer, live: fa.Live) -> None:
    with pytest.raises(OutputError, match="--port"):
        PageServer(live, port=urlsplit(server.url).port or 0)
