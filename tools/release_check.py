"""Everything that must hold before a release, in the order in which it would fail.

Builds sdist and wheel twice from the committed files, in two places, and compares them byte by byte; checks their
metadata; installs the wheel into an empty environment and does the main job there; writes the list of all parts
(SBOM). `make release-check` runs it with its tools installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
SBOM = ROOT / "build" / "sbom.json"
INSTALLERS = {"pip", "setuptools", "wheel"}
LARGEST = 40e6
"""Bytes of the wheel at most."""


def main() -> None:
    """Raises SystemExit with what does not hold."""
    stamp = _output("git", "log", "-1", "--format=%ct") or "1700000000"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": stamp}
    with tempfile.TemporaryDirectory(prefix="farandole-release-") as scratch:
        first, second = (_copy(Path(scratch) / name) for name in ("one", "two"))
        _run(
            sys.executable, "-m", "build", "--outdir", first / "dist", first, env=environment
        )  # the wheel from the sdist
        _run(sys.executable, "-m", "build", "--sdist", "--wheel", "--outdir", second / "dist", second, env=environment)
        made, again = (sorted((p / "dist").iterdir()) for p in (first, second))
        for one, two in zip(made, again, strict=True):
            _demand(one.name == two.name and _hash(one) == _hash(two), f"{one.name} differs from build to build")
            print(f"{one.name}: {one.stat().st_size / 1e6:.2f} MB, sha256 {_hash(one)}, two builds equal")
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(first / "dist", DIST)
    (wheel,) = DIST.glob("*.whl")
    _demand(
        wheel.stat().st_size < LARGEST,
        f"{wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB; at most {LARGEST / 1e6:.0f}",
    )
    _run(sys.executable, "-m", "twine", "check", "--strict", *sorted(DIST.iterdir()))
    python = _empty_environment(ROOT / "build" / "release")
    begin = time.perf_counter()
    _run(python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wheel)
    print(f"installed in {time.perf_counter() - begin:.0f} s")
    _run(python, "-I", ROOT / "tests" / "installed_package.py", cwd=ROOT / "build")
    _run(
        sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--of", "JSON", "-o", SBOM, python,
    )  # fmt: skip
    add_bundled(SBOM)
    print(f"{SBOM.relative_to(ROOT)}: {len(json.loads(SBOM.read_text())['components'])} parts")


def add_bundled(path: Path) -> None:
    """Add to a CycloneDX file what is bundled into the pages, of which no Python environment knows; take out what is of this place:
    the environment's own installers, addresses of local files.
    """
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    told["components"] = [c for c in told["components"] if c["name"] not in INSTALLERS]
    for part in told["components"]:
        addresses = part.get("externalReferences", [])
        part["externalReferences"] = [a for a in addresses if not a["url"].startswith("file:")]
    kept = {c["bom-ref"] for c in told["components"] if "bom-ref" in c}
    known = kept | {told.get("metadata", {}).get("component", {}).get("bom-ref")}
    told["dependencies"] = [
        d | {"dependsOn": [r for r in d.get("dependsOn", []) if r in known]}
        for d in told.get("dependencies", [])
        if d["ref"] in known
    ]
    versions = json.loads((ROOT / "web/package.json").read_text(encoding="utf-8"))["devDependencies"]
    for name in ("three", "@pixiv/three-vrm"):
        address = f"pkg:npm/{name.replace('@', '%40')}@{versions[name]}"
        told["components"].append(
            {
                "type": "library",
                "name": name,
                "version": versions[name],
                "purl": address,
                "bom-ref": address,
                "licenses": [{"license": {"id": "MIT"}}],
                "description": "bundled into the scripts of the pages",
            }
        )
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _copy(target: Path) -> Path:
    """The committed files, as whoever clones the repository has them."""
    target.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def _empty_environment(folder: Path) -> Path:
    """The Python of a new environment."""
    venv.EnvBuilder(clear=True, with_pip=True).create(folder)
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _run(*words: object, **options: Any) -> None:
    done = subprocess.run([str(w) for w in words], **{"cwd": ROOT, **options})
    _demand(done.returncode == 0, f"failed: {' '.join(str(w) for w in words)}")


def _output(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(f"release-check: {otherwise}")


if __name__ == "__main__":
    main()
