"""The rules of the house that a machine can hold (docs/design.md)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinykd

PACKAGE = Path(tinykd.__file__).parent
ROOT = PACKAGE.parent
LONGEST = 320

ROOMS = {
    "cli": 0, "study": 0,
    "deploy": 1,
    "report": 2, "target": 2, "quantize": 3, "distill": 3,
    "nets": 4, "data": 4, "compile": 4,
    "recipe": 5,
}  # fmt: skip
"""Arrows point to equal or larger numbers."""

RIGHT_HALF = ("compile", "target", "report", "deploy")
HEAVY = {"tensorflow", "keras", "tf_keras", "tensorflow_model_optimization", "sklearn"}


def sources() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 30
    return found


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_arrows_go_one_way() -> None:
    wrong = []
    for path in sources():
        here = room(path)
        for name in imports(path):
            match = re.match(r"tinykd\.(\w+)", name)
            if match and here in ROOMS and match[1] in ROOMS and ROOMS[match[1]] < ROOMS[here]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_right_half_knows_no_tensorflow() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources()
        if room(path) in RIGHT_HALF
        for name in imports(path)
        if name.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; sys.argv=['tinykd']; import tinykd.cli.main as m\ntry: m.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print('LOADED', *sorted({n.split('.')[0] for n in sys.modules} & {'tensorflow','keras','numpy','pydantic','rich','sklearn'}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith("LOADED")
    assert "distill" in shown


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_file_holds_one_concept(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "the file does not say what it is"


def test_nothing_unsafe_is_loaded() -> None:
    """A file from outside never runs code."""
    forbidden = re.compile(r"import pickle|pickle\.loads?|yaml\.load|allow_pickle\s*=\s*True|\beval\(|\bexec\(|safe_mode\s*=\s*False")
    wrong = [f"{path.relative_to(ROOT)}: {m[0]}" for path in sources() for m in [forbidden.search(_code(path))] if m]
    assert wrong == []


def _code(path: Path) -> str:
    """The file without comments and docstrings."""
    return ast.unparse(_without_docstrings(ast.parse(path.read_text())))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined, index]
    return tree
