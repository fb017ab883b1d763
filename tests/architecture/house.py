"""What the tests on the house itself look at: its files, apps and syntax trees."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["importlinter"]["root_packages"]
NOT_WRITTEN_BY_HAND = {"migrations", "__pycache__"}


def product_files() -> list[Path]:
    """The Python files of the product, without migrations."""
    return sorted(_python_files(PACKAGES))


def all_files() -> list[Path]:
    """The product's Python files, its tests' and its benchmarks'."""
    return sorted(_python_files([*PACKAGES, "tests", "bench"]))


def _python_files(folders: list[str]) -> Iterator[Path]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if not NOT_WRITTEN_BY_HAND & set(path.parts):
                yield path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    """Every dotted name that a file imports, wherever in it: `from a import b` gives `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def imports_any(path: Path, modules: set[str]) -> set[str]:
    """Those of `modules` that a file imports, or something in them."""
    found = imports(path)
    return {module for module in modules if any(f"{each}.".startswith(f"{module}.") for each in found)}
