"""What is installed: farandole, Python, packages and their versions, engines and devices."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata

from farandole import __version__
from farandole.checkpoints.session import load_runtime
from farandole.doctor.finding import Finding

_NEED = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\s*(?:\(?>=(?P<least>[0-9.]+))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[a-z]+)['\"]")
_PURPOSE = {
    "train": "training, other engines, more features",
    "cluster": "--cluster",
    "live": "live from microphones, the live page",
    "dev": "the tests",
}


def machine() -> Iterator[Finding]:
    """farandole itself, Python and the machine."""
    yield Finding("farandole", "good", __version__, {"version": __version__})
    where = {"version": platform.python_version(), "executable": sys.executable, "prefix": sys.prefix}
    yield Finding("Python", "good", f"{where['version']}, {sys.executable}", where)
    facts = {"system": platform.platform(), "cores": os.cpu_count(), "memory_gb": _memory_gb()}
    memory = f", {facts['memory_gb']} GB" if facts["memory_gb"] else ""
    yield Finding("machine", "good", f"{facts['system']}, {facts['cores']} cores{memory}", facts)


def packages() -> Iterator[Finding]:
    """What farandole needs, and what its extras need: which versions are there."""
    for extra, needs in _needs().items():
        there = {name: _version(name) for name in needs}
        missing = [name for name, version in there.items() if version is None]
        old = [f"{n} {there[n]} (needed is {least})" for n, least in needs.items() if _older(there[n], least)]
        about = f"extra {extra}" if extra else "packages"
        purpose = f"for {_PURPOSE[extra]}" if extra in _PURPOSE else ""
        facts = {"versions": there, "missing": missing, "too_old": old}
        install = f"pip install 'farandole[{extra}]'" if extra else "pip install --upgrade farandole"
        if missing and (extra or not old):
            state = "absent" if extra else "bad"
            text = f"{', '.join(missing)} not installed{f' ({purpose})' if purpose else ''}: {install}"
        elif old:
            state, text = "bad", f"too old: {', '.join(old)}: {install}"
        else:
            state, text = "good", ", ".join(f"{name} {version}" for name, version in there.items())
        yield Finding(about, state, text, facts)


def engines() -> Iterator[Finding]:
    """ONNX Runtime and torch, and the devices they find."""
    try:
        onnxruntime = load_runtime()
        found = onnxruntime.get_available_providers()
        text = (
            f"ONNX Runtime {onnxruntime.__version__}: {', '.join(p.removesuffix('ExecutionProvider') for p in found)}"
        )
        yield Finding("engine onnx", "good", text, {"version": onnxruntime.__version__, "providers": found})
    except Exception as error:  # a broken installation may raise anything
        yield Finding("engine onnx", "bad", f"cannot be loaded: {_line(error)}")
    if _version("torch") is None:
        yield Finding("engine torch", "absent", "not installed: pip install 'farandole[train]'", {"devices": []})
        return
    try:
        import torch

        devices = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        text = f"torch {torch.__version__}: {', '.join(devices) or 'no GPU, the processor'}"
        yield Finding("engine torch", "good", text, {"version": torch.__version__, "devices": devices})
    except Exception as error:  # a broken installation may raise anything
        yield Finding("engine torch", "bad", f"cannot be loaded: {_line(error)}", {"devices": []})


def _needs() -> dict[str, dict[str, str]]:
    """Packages and their least versions: of farandole itself (""), and by extra."""
    needs: dict[str, dict[str, str]] = defaultdict(dict)
    try:
        requirements = metadata.requires("farandole") or []
    except metadata.PackageNotFoundError:  # a source tree that was not installed
        return {}
    for line in requirements:
        need, extra = _NEED.match(line), _EXTRA.search(line)
        if need:
            needs[extra["extra"] if extra else ""][need["name"]] = need["least"] or "0"
    return dict(needs)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _older(version: str | None, least: str) -> bool:
    numbers = lambda release: [int(n) for n in re.findall(r"\d+", release.split("+")[0])[:3]]  # noqa: E731
    return version is not None and numbers(version) < numbers(least)


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, OSError, ValueError):
        return None


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
