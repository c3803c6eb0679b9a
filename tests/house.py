"""The structure of the package, counted from its sources: `python tests/house.py [SOURCES]` prints a table."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "farandole"
SOURCES = Path(__file__).resolve().parent.parent / "src" / PACKAGE


class Tree:
    """All modules under a folder, parsed.

    Attributes:
        modules: Dotted name -> syntax tree.
        lines: Dotted name -> number of lines.
        texts: Dotted name -> source.
    """

    def __init__(self, folder: Path = SOURCES) -> None:
        self.modules: dict[str, ast.Module] = {}
        self.lines: dict[str, int] = {}
        self._imports: dict[str, set[str]] = {}
        self._called: dict[str, set[str]] = {}
        self._walked: dict[str, list[ast.AST]] = {}
        self.texts: dict[str, str] = {}
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text(encoding="utf-8")
            self.modules[name], self.lines[name] = ast.parse(text), text.count("\n")
            self.texts[name] = text

    def nodes(self, name: str) -> list[ast.AST]:
        """All nodes of a module's syntax tree; walked once."""
        if name not in self._walked:
            self._walked[name] = list(ast.walk(self.modules[name]))
        return self._walked[name]

    def imports(self, name: str) -> set[str]:
        """Modules of the package that a module imports anywhere: at the top, in functions, for types only."""
        if name not in self._imports:
            self._imports[name] = self._imported(name)
        return self._imports[name]

    def _imported(self, name: str) -> set[str]:
        found = set()
        for node in self.nodes(name):
            if isinstance(node, ast.Import):
                found |= {self._module(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    found.add(whole if whole in self.modules else self._module(node.module))
        return {f for f in found if f in self.modules and f != name}

    def _module(self, dotted: str) -> str:
        return dotted if dotted in self.modules else ""

    def circles(self) -> list[list[str]]:
        """Groups of modules that import each other, directly or around (Tarjan's strongly connected components)."""
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        found: list[list[str]] = []

        def visit(name: str) -> None:
            index[name] = low[name] = len(index)
            stack.append(name)
            for other in self.imports(name):
                if other not in index:
                    visit(other)
                    low[name] = min(low[name], low[other])
                elif other in stack:
                    low[name] = min(low[name], index[other])
            if low[name] == index[name]:
                group = []
                while not group or group[-1] != name:
                    group.append(stack.pop())
                if len(group) > 1:
                    found.append(sorted(group))

        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(10_000)
        for name in self.modules:
            if name not in index:
                visit(name)
        sys.setrecursionlimit(limit)
        return found

    def calling(self, function: str) -> list[str]:
        """Modules that call a function of a name, like "torch.onnx.export"."""
        return [name for name in self.modules if any(_ends(c, function) for c in self._calls(name))]

    def _calls(self, name: str) -> set[str]:
        if name not in self._called:
            calls = (n.func for n in self.nodes(name) if isinstance(n, ast.Call))
            self._called[name] = {_dotted(c) for c in calls}
        return self._called[name]

    def taking(self, module: str, name: str) -> list[str]:
        """Modules that import a name from a module that is not ours."""
        return [
            own
            for own in self.modules
            for node in self.nodes(own)
            if isinstance(node, ast.ImportFrom) and node.module == module and any(a.name == name for a in node.names)
        ]

    def classes(self, ending: str = "", base: str = "") -> list[str]:
        """Classes with a name that ends so, or with a base of that name."""
        return [
            f"{name}.{node.name}"
            for name, node in self._defined(ast.ClassDef)
            if (ending and node.name.endswith(ending))
            or (base and any(ast.unparse(b).endswith(base) for b in node.bases))
        ]

    def functions(self, *names: str) -> list[str]:
        """Functions of these names."""
        return [f"{name}.{node.name}" for name, node in self._defined(ast.FunctionDef) if node.name in names]

    def _defined(self, kind: type) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
        for name in self.modules:
            for node in self.nodes(name):
                if isinstance(node, kind):
                    yield name, node  # type: ignore[misc]


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _ends(name: str, function: str) -> bool:
    return name == function or name.endswith(f".{function}")


def counts(tree: Tree) -> dict[str, list[str]]:
    """What there should be one of -> where it is."""
    return {
        "checkpoint readers (weights)": tree.calling("load_file"),
        "checkpoint writers (weights)": [n for n in tree.modules if "safetensors.torch import save" in tree.texts[n]],
        "cards": [n for n in tree.functions("card", "_card") if n.count(".") == 3 or n.endswith("_card")],
        "ONNX exports": tree.calling("torch.onnx.export"),
        "sessions that open ONNX files": tree.calling("InferenceSession"),
        "recipe classes": tree.classes(ending="Recipe"),
        "training tasks": tree.classes(base="LightningModule")
        + [c for c in tree.classes(ending="Task") if ".training." in c],
        "runs (calls of Trainer.fit)": tree.calling("fit.fit") + tree.calling("trainer.fit"),
    }


def rooms(tree: Tree) -> dict[str, int]:
    """Lines by room."""
    result: dict[str, int] = defaultdict(int)
    for name, lines in tree.lines.items():
        result[[*name.split("."), ""][1]] += lines
    return dict(result)


def main(folder: Path) -> None:
    """Print the table."""
    tree = Tree(folder)
    print("| counted | number | where |\n|---|---|---|")
    for what, where in counts(tree).items():
        print(f"| {what} | {len(set(where))} | {', '.join(sorted(set(where)))} |")
    circles = tree.circles()
    print(f"| circles of imports | {len(circles)} | {'; '.join(' '.join(c) for c in circles)} |")
    longest = max(tree.lines, key=tree.lines.__getitem__)
    print(
        f"| lines | {sum(tree.lines.values())} | in {len(tree.lines)} files, the longest {longest} ({tree.lines[longest]}) |"
    )
    print("| lines by room | | " + ", ".join(f"{k or 'package'} {v}" for k, v in sorted(rooms(tree).items())) + " |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES)
