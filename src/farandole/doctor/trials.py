"""What works: sound files without an ffmpeg program, models, pages, videos, places to write, sound devices."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from farandole.doctor.finding import Finding
from farandole.errors import FarandoleError

RATE = 22050
SOUND_FILES = ("wav", "flac", "ogg", "mp3", "m4a")


def trials() -> Iterator[Finding]:
    """Everything that can be tried, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="farandole-doctor-") as folder:
        yield from sound_files(Path(folder))
    yield from models()
    yield from dancing()
    yield from pages()
    yield from places()
    yield from sound_devices()


def sound_files(folder: Path) -> Iterator[Finding]:
    """Write a moment of sound as each kind of file and read it."""
    read, bad = [], {}
    for kind in SOUND_FILES:
        problem = _tried(lambda kind=kind: _write_and_read(folder / f"moment.{kind}"))
        if problem is None:
            read.append(kind)
        else:
            bad[kind] = problem
    facts = {"read": read, "problems": bad}
    if bad:
        yield Finding("sound files", "bad", "; ".join(f"{kind}: {problem}" for kind, problem in bad.items()), facts)
    else:
        yield Finding("sound files", "good", f"{', '.join(read)}: read without an ffmpeg program", facts)


def models() -> Iterator[Finding]:
    """Open every network of the shipped models."""
    from farandole.checkpoints.checkpoint import find_checkpoint, shipped_models
    from farandole.checkpoints.session import open_session

    names = shipped_models()
    if not names:
        yield Finding("models", "bad", "no model came with this installation: install farandole again")
    for name in names:

        def open_all(name: str = name) -> None:
            checkpoint = find_checkpoint(name)
            session = open_session(checkpoint, "onnx", threads=1)
            for network in checkpoint.exported:
                session.inputs(network)

        problem = _tried(open_all)
        size = sum(f.stat().st_size for f in find_checkpoint(name).folder.iterdir()) / 1e6
        yield Finding(f"model {name}", "bad" if problem else "good", problem or f"{size:.0f} MB, opens", {"mb": size})


def dancing() -> Iterator[Finding]:
    """Dance four seconds."""
    from farandole.generation.dance import dance
    from farandole.music.song import Song

    begun = time.perf_counter()
    problem = _tried(lambda: dance(Song.from_samples(_moment(4.0), RATE, name="a moment of clicks")))
    took = time.perf_counter() - begun
    text = problem or f"4 s of dance in {took:.1f} s, the model opened on the way"
    yield Finding("a dance", "bad" if problem else "good", text, {"seconds": took})


def pages() -> Iterator[Finding]:
    """The scripts of the pages, and the encoder of videos."""
    from farandole.view.page import page_script

    for name in ("viewer", "live"):
        problem = _tried(lambda name=name: page_script(name))
        yield Finding(f"page {name}", "bad" if problem else "good", problem or "its script is there")

    def encoder() -> None:
        from av.codec import Codec

        Codec("libx264", "w")

    problem = _tried(encoder)
    text = "mp4 can be written" if problem is None else f"PyAV has no H.264 encoder: --formats mp4 fails ({problem})"
    yield Finding("video", "absent" if problem else "good", text)


def places() -> Iterator[Finding]:
    """Whether files can be written where they go."""
    for about, folder in (("write here", Path()), ("temporary", Path(tempfile.gettempdir()))):

        def write(folder: Path = folder) -> None:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".farandole-doctor-") as file:
                file.write(b"a moment")

        problem = _tried(write)
        state = "good" if problem is None else "bad" if about == "temporary" else "absent"
        text = str(folder.absolute()) if problem is None else f"cannot write in {folder.absolute()}: {problem}"
        yield Finding(about, state, text, {"folder": folder.absolute(), "writable": problem is None})
    yield Finding("cache", "good", "none is needed: farandole keeps nothing outside the folders that you name")


def sound_devices() -> Iterator[Finding]:
    """What `live` could listen to."""
    try:
        import sounddevice
    except ImportError:
        yield Finding("microphones", "absent", "not looked for: pip install 'farandole[live]'", {"inputs": None})
        return
    except OSError as error:  # without the PortAudio library
        yield Finding("microphones", "absent", f"not looked for: {error}", {"inputs": None})
        return
    try:
        names = [d["name"] for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
    except Exception as error:  # PortAudio's own class, which cannot be named without it
        names = []
        yield Finding("microphones", "absent", f"cannot be listed: {error}", {"inputs": names})
        return
    text = ", ".join(names) or "none (live can play a file or read standard input)"
    yield Finding("microphones", "good" if names else "absent", text, {"inputs": names})


def _moment(seconds: float) -> np.ndarray:
    """Clicks twice a second."""
    count = round(seconds * RATE)
    noise = np.random.default_rng(0).normal(scale=0.1, size=count)
    return (noise * (np.arange(count) % (RATE // 2) < 500)).astype(np.float32)


def _write_and_read(path: Path) -> None:
    from farandole.music.song import Song, load_song
    from farandole.view.sound import encode_m4a

    if path.suffix == ".m4a":
        path.write_bytes(encode_m4a(Song.from_samples(_moment(2.0), RATE)))
    else:
        import soundfile

        soundfile.write(path, _moment(2.0), RATE)
    load_song(path)


def _tried(action: Callable[[], object]) -> str | None:
    """What was wrong, in one line, or None."""
    try:
        action()
    except FarandoleError as error:
        return " ".join(str(error).split())
    except Exception as error:  # a broken installation may raise anything
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return None
