"""What is left when `prepare`, `train`, `teach` or `download` is stopped at any moment, and what the next call makes of it.

    python benchmarks/interrupted.py [prepare train teach download] [--points 10] [--signals INT TERM KILL]

Each command is run twice undisturbed (are its files the same?). Then it is stopped by a signal to all its processes, as a terminal
or a shutdown does, at so many moments spread over its length, each time in a new folder; and called again, `train` with --resume.
Told are exit codes, whether anything but one line was said, whether unfinished files lay about, and whether the files after the
second call are those of the undisturbed run, byte for byte. Inputs are made on the spot; downloads come from a server in here.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import soundfile

from farandole.data.starter.songs import compose
from farandole.motion import rotations as rot
from farandole.motion.humanoid import house_skeleton
from farandole.motion.motion import Motion

Words = Callable[[Path], list[str]]
FARANDOLE = [sys.executable, "-m", "farandole"]
OUT = "out"
"""What every run's folder is called: cards of models are headed by it."""
ENDS = {"INT": {130}, "TERM": {143}, "KILL": set()}
"""Exit codes that a signal may lead to, beside 0 (it came too late) and its own."""
RECIPE = {
    "model": "moglow",
    "preset": "farandole",
    "features": {"motion": "expmap_cr", "audio": "beats"},
    "dims": "data",
    "config": {"past": 3, "heard": 4, "frames": 5, "glow": {"steps": 2, "dim": 8, "layers": 1}},
    "windows": {"stride": 2},
    "training": {"steps": 300, "batch_size": 8, "lr": 3e-3, "ema": 0.5, "save_every": 50},
    "trainer": {"accelerator": "cpu"},
}


def recordings(folder: Path, count: int, seconds: float) -> Path:
    """Bodies that sway, each with a song."""
    folder.mkdir(parents=True)
    skeleton = house_skeleton()
    for number in range(count):
        draw = np.random.default_rng(number)
        t = np.arange(round(30 * seconds)) / 30
        turns = 0.2 * draw.normal(size=(len(skeleton), 3)) * np.sin(2 * np.pi * t[:, None, None])
        path = np.stack((0.3 * np.sin(t), 0.9 + 0.02 * np.sin(4 * np.pi * t), 0.1 * t), axis=1)
        Motion(skeleton, rot.from_rotvec(turns), path, 30.0, name="dancer").save(folder / f"d{number}.bvh")
        song = compose(120, seconds, seed=number)
        soundfile.write(folder / f"d{number}.wav", song.samples, song.sample_rate)
    return folder


def prepare_words(place: Path) -> Words:
    """Of `farandole prepare folder` with two workers."""
    source = recordings(place / "recordings", 12, 8.0)
    words = ["--motion", "expmap_cr", "--music", "beats", "--fps", "20", "--workers", "2", "-q"]
    return lambda out: [*FARANDOLE, "prepare", "folder", str(source), "-o", str(out), *words]


def train_words(place: Path) -> Words:
    """Of `farandole train` with a small MoGlow; of a run that is there already, with --resume."""
    data, recipe = place / "data", place / "small.yaml"
    subprocess.run(prepare_words(place)(data), check=True, stdout=subprocess.DEVNULL)
    recipe.write_text(json.dumps(RECIPE))
    words = [*FARANDOLE, "train", str(recipe), "--data", str(data), "-q", "-o"]
    return lambda out: [*words, str(out), *(["--resume"] if out.exists() else [])]


def teach_words(place: Path) -> Words:
    """Of `farandole teach` with few steps."""
    source = recordings(place / "recordings", 3, 24.0)
    return lambda out: [*FARANDOLE, "teach", str(source), "-o", str(out), "--steps", "20", "-q"]


def download_words(place: Path) -> Words:
    """Of `farandole download` from a server here that hands out 2 MB a second."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(20):
            archive.writestr(f"takes/{number}.bvh", np.random.default_rng(number).bytes(150_000))
    content = packed.getvalue()

    class Slow(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            begin = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            try:
                for at in range(begin, len(content), 100_000):
                    self.wfile.write(content[at : at + 100_000])
                    time.sleep(0.05)
            except OSError:
                pass  # the other side has gone

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = (
        "import sys; from farandole.data.download.open_corpora import CORPORA, Archive, OpenCorpus;"
        "CORPORA['toy'] = OpenCorpus('toy', 'Toys', 'takes', 'http://page', 'CC0', 'Any.', 'http://terms',"
        f" (Archive('http://127.0.0.1:{server.server_address[1]}/data.zip', 'data.zip'),), after='');"
        "from farandole.__main__ import main; main()"
    )
    return lambda out: [sys.executable, "-c", code, "download", "toy", "-o", str(out), "--accept-terms", "-q"]


COMMANDS = {"prepare": prepare_words, "train": train_words, "teach": teach_words, "download": download_words}


def content(out: Path) -> dict[str, bytes]:
    """Files of a finished call but for logs and seconds taken, which tell times, and states of training, which count repeats."""
    files = (p for p in sorted(out.rglob("*")) if p.is_file()) if out.is_dir() else ()
    kept = [p for p in files if not {"logs", "states"} & {*p.relative_to(out).parts}]
    seconds = re.compile(rb'^ "seconds": [0-9.]+', re.MULTILINE)
    return {
        str(p.relative_to(out)): seconds.sub(b"", p.read_bytes()) if p.name == "taught.json" else p.read_bytes()
        for p in kept
    }


def finished(words: list[str]) -> float:
    """Run it to its end; seconds taken."""
    begun = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def stopped(words: list[str], blow: str, after: float) -> tuple[int, str]:
    """Stop it some seconds after its start; exit code and what it said."""
    default = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    child = subprocess.Popen(words, **pipes, start_new_session=True, preexec_fn=default)  # type: ignore[call-overload]
    time.sleep(after)
    os.killpg(child.pid, getattr(signal, f"SIG{blow}"))
    told = child.communicate(timeout=300)[1].decode(errors="replace")
    return child.returncode, told


def try_command(name: str, points: int, signals: list[str], place: Path) -> None:
    """Stop a command at many moments and print what came of it, one line per signal."""
    words = COMMANDS[name](place)
    whole, again = (place / which / OUT for which in ("whole", "again"))
    took = finished(words(whole))
    wanted = content(whole)
    took = min(took, finished(words(again)))
    same = "the same" if content(again) == wanted else f"differ in {_differing(wanted, content(again))}"
    print(f"{name}: {took:.1f} s, {len(wanted)} files; of two undisturbed runs {same}", flush=True)
    for blow in signals:
        seen: Counter[str] = Counter()
        for point in range(points):
            out = place / f"{blow}{point}" / OUT
            code, told = stopped(words(out), blow, took * (point + 0.5) / points)
            number = -int(getattr(signal, f"SIG{blow}"))
            seen["stopped"] += code != 0
            seen["other exit codes"] += code not in ENDS[blow] | {0, number}
            seen["tracebacks"] += "Traceback" in told or "bug" in told
            seen["unfinished files"] += any(".part" in p.name for p in out.parent.rglob("*"))
            second = subprocess.run(words(out), capture_output=True, text=True)
            seen["second call refused"] += second.returncode != 0
            if code and second.returncode:
                print(f"  {blow} at {point}: {second.stderr.strip()[-200:]}")
            made = content(out)
            seen["the same bytes"] += made == wanted
            if second.returncode == 0 and made != wanted:
                print(f"  {blow} at {point}: differ in {_differing(wanted, made)}")
            shutil.rmtree(out.parent, ignore_errors=True)
        told = ", ".join(f"{what} {count}" for what, count in seen.items())
        print(f"{name} SIG{blow} at {points} moments: {told}", flush=True)


def _differing(a: dict[str, bytes], b: dict[str, bytes]) -> str:
    return ", ".join(sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))[:6])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", default=list(COMMANDS), help="which of them")
    parser.add_argument("--points", type=int, default=10, help="moments at which each is stopped")
    parser.add_argument("--signals", nargs="+", default=list(ENDS))
    options = parser.parse_args()
    for name in options.commands:
        with tempfile.TemporaryDirectory() as place:
            try_command(name, options.points, options.signals, Path(place))


if __name__ == "__main__":
    main()
