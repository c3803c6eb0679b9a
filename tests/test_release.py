"""What is needed to release: citation, licences, container, workflows, constraints. Nothing of it may go stale unseen."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import farandole

yaml = pytest.importorskip("yaml", reason="reading workflows needs the [train] extra")

REPOSITORY = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))


def text(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tool_{name}", REPOSITORY / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [n for n in done.stdout.decode().split("\0") if n and (REPOSITORY / n).is_file()]


def test_the_citation_is_of_this_version_and_names_every_paper() -> None:
    cited = yaml.safe_load(text("CITATION.cff"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == farandole.__version__
    assert cited["license"] == "MIT"
    papers = cited["references"]
    assert all({"type", "title", "authors", "year", "url"} <= p.keys() for p in papers)
    known = {p["url"].rpartition("/")[2] for p in papers}
    assert len(known) == len(papers)
    # What the documentation of flows and the shipped model cites as its source is cited here, too.
    named = set(
        re.findall(r"arXiv:(\d{4}\.\d{5})", text("docs/flows.md") + text("src/farandole/models/window_flow.py"))
    )
    assert named - {"2212.09748", "2310.00426"} <= known  # two ways to shift a norm are no model


def test_licences_say_what_their_makers_ask_for() -> None:
    cmu = (
        "The data used in this project was obtained from mocap.cs.cmu.edu. "
        "The database was created with funding from NSF EIA-0196217."
    )
    for path in ("docs/licences.md", "LICENSES/weights.md", "LICENSES/data.md"):
        assert cmu in " ".join(text(path).replace(">", "").split()), path
    assert "creativecommons.org/licenses/by/4.0" in text("LICENSES/data.md")
    bundled = json.loads(text("web/package.json"))["devDependencies"]
    for name in ("three", "@pixiv/three-vrm"):
        assert name in bundled
        assert f"| {name} |" in text("LICENSES/third-party.md")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_are_safe_and_call_what_exists(path: Path) -> None:
    flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert flow["permissions"] == {"contents": "read"}
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    steps = [s for job in flow["jobs"].values() for s in job["steps"]]
    assert all(re.fullmatch(r"[\w.-]+/[\w./-]+@[\w./-]+", s["uses"]) for s in steps if "uses" in s)
    for words in (re.findall(r"\bmake ([a-z-]+)", s.get("run", "")) for s in steps):
        assert set(words) <= targets, words
    assert "secrets." not in path.read_text(encoding="utf-8")


def test_publishing_needs_no_token() -> None:
    (path,) = [p for p in WORKFLOWS if p.name == "release.yml"]
    publish = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert publish["steps"][-1]["uses"].startswith("pypa/gh-action-pypi-publish@")


@pytest.mark.skipif(shutil.which("sed") is None, reason="the step runs on Linux")
@pytest.mark.parametrize(("tag", "code"), [(f"v{farandole.__version__}", 0), ("v0.0.1", 1)])
def test_only_the_tag_of_this_version_is_released(tag: str, code: int) -> None:
    steps = yaml.safe_load(text(".github/workflows/release.yml"))["jobs"]["build"]["steps"]
    (check,) = [s["run"] for s in steps if s.get("name") == "The tag is the version"]
    done = subprocess.run(["sh", "-c", check], cwd=REPOSITORY, env=os.environ | {"GITHUB_REF_NAME": tag})
    assert done.returncode == code


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", " ", text("Dockerfile"))
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_is_slim_has_no_rights_and_starts_the_command() -> None:
    steps = instructions()
    bases = [rest for word, rest in steps if word == "FROM"]
    assert all(re.match(r"python:3\.\d+-slim( AS \w+)?$", base) for base in bases)  # pinned, never "latest"
    final = steps[max(k for k, (word, _) in enumerate(steps) if word == "FROM") :]
    words = [word for word, _ in final]
    assert dict(final)["USER"] not in ("root", "0")
    assert words.index("USER") > max(k for k, w in enumerate(words) if w == "RUN")
    assert json.loads(dict(final)["ENTRYPOINT"]) == ["farandole"]
    runs = [rest for word, rest in steps if word == "RUN"]
    assert all("--no-cache-dir" in r for r in runs if "pip" in r)
    assert not any(re.search(r"\b(sudo|curl|wget)\b", r) for r in runs)
    assert {"ADD", "MAINTAINER"}.isdisjoint(word for word, _ in steps)
    ignored = text(".dockerignore").split()
    assert {".git", ".venv*", "build", "runs", "data"} <= set(ignored)
    built_of = ("src", "web", "recipes", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "LICENSES")
    assert not any(Path(name).match(pattern) for name in built_of for pattern in ignored)


def test_the_oldest_versions_are_those_that_the_project_names() -> None:
    tomllib = pytest.importorskip("tomllib", reason="in Python from 3.11 on")
    project = tomllib.loads(text("pyproject.toml"))["project"]
    lines = tool("oldest_versions").oldest(["train"])
    pinned = {Requirement(line).name: Requirement(line).specifier for line in lines}
    needed = [Requirement(d) for d in [*project["dependencies"], *project["optional-dependencies"]["train"]]]
    assert set(pinned) == {r.name for r in needed}
    for requirement in needed:
        (bound,) = [s for s in requirement.specifier if s.operator == ">="]
        least = Version(bound.version)
        assert least in pinned[requirement.name]
        assert Version(f"{least.major}.{least.minor}.99") in pinned[requirement.name]
        assert Version(f"{least.major}.{least.minor + 1}") not in pinned[requirement.name]


def test_no_address_of_a_private_place_is_told() -> None:
    private = re.compile(
        r"https?://(?:10\.|192\.168\.0\.\d+/simple|172\.(?:1[6-9]|2\d|3[01])\.)|index-url|extra-index|_authToken|//registry\.(?!npmjs)",
        re.IGNORECASE,
    )
    found = []
    for name in tracked():
        path = REPOSITORY / name
        if path == Path(__file__) or path.suffix in {".npz", ".onnx", ".safetensors", ".png", ".npy"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            if private.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert found == []


def test_bundled_scripts_are_among_the_parts(tmp_path: Path) -> None:
    told = tmp_path / "sbom.json"
    local = {"type": "distribution", "url": "file:///somewhere/farandole.whl"}
    parts = [{"name": "numpy", "bom-ref": "numpy", "externalReferences": [local]}, {"name": "pip", "bom-ref": "pip"}]
    told.write_text(
        json.dumps({"components": parts, "dependencies": [{"ref": "pip"}, {"ref": "numpy", "dependsOn": ["pip"]}]})
    )
    tool("release_check").add_bundled(told)
    versions = json.loads(text("web/package.json"))["devDependencies"]
    parts = {c["name"]: c for c in json.loads(told.read_text())["components"]}
    assert parts["three"]["purl"] == f"pkg:npm/three@{versions['three']}"
    assert parts["@pixiv/three-vrm"]["purl"].startswith("pkg:npm/%40pixiv/three-vrm@")
    assert parts["numpy"]["externalReferences"] == []
    assert "pip" not in parts
    assert json.loads(told.read_text())["dependencies"] == [{"ref": "numpy", "dependsOn": []}]


def test_what_the_source_distribution_carries_exists() -> None:
    tomllib = pytest.importorskip("tomllib", reason="in Python from 3.11 on")
    carried = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert all((REPOSITORY / name.lstrip("/")).exists() for name in carried)
    assert sys.version_info >= (3, 10)
