"""`docs/reference/python.md`: what to call from Python, from signatures and docstrings; nothing is imported but this file."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.generate.markdown import code, note, text

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Public:
    """A function or class: where one imports it from, where it is written, and which methods belong on the page."""

    imported_from: str
    file: str
    name: str
    methods: tuple[str, ...] = ()


SECTIONS: dict[str, tuple[Public, ...]] = {
    "Distillation (needs `tinykd[train]`)": (Public("tinykd.distill", "tinykd/distill/distiller.py", "Distiller"),),
    "Data and recipes": (
        Public("tinykd.recipe.toml", "tinykd/recipe/toml.py", "load_recipe"),
        Public("tinykd.data", "tinykd/data/__init__.py", "load"),
    ),
    "Memory before there is a model": (
        Public("tinykd.compile.sketch", "tinykd/compile/sketch/size.py", "peak_ram"),
        Public("tinykd.compile.sketch", "tinykd/compile/sketch/size.py", "flash"),
        Public("tinykd.compile.sketch", "tinykd/compile/sketch/keras.py", "from_keras"),
        Public(
            "tinykd.compile.sketch",
            "tinykd/compile/sketch/network.py",
            "Sketch",
            ("input", "conv_2d", "depthwise_conv_2d", "dense", "average_pool_2d", "max_pool_2d", "global_average_pool", "add", "mul",
             "concatenate", "reshape", "softmax", "graph"),
        ),
    ),
    "Models and integers": (
        Public("tinykd.compile.reader", "tinykd/compile/reader.py", "read_file"),
        Public("tinykd.compile.simulate", "tinykd/compile/simulate.py", "simulate"),
    ),
    "From model to proof": (
        Public("tinykd.deploy.source", "tinykd/deploy/source.py", "open_source"),
        Public("tinykd.deploy.export", "tinykd/deploy/export.py", "export"),
        Public("tinykd.deploy.verify", "tinykd/deploy/verify.py", "verify"),
        Public("tinykd.report.run", "tinykd/report/run.py", "open_report"),
    ),
    "Errors": (Public("tinykd.errors", "tinykd/errors.py", "TinykdError"),),
}  # fmt: skip
"""The interface, by purpose."""

LISTS = ("Args:", "Attributes:", "Returns:", "Raises:")


def page() -> str:
    """The whole page."""
    lines = ["# Python", "", note("signatures and docstrings"), "Every stage of a run is a function that can be called alone.", ""]
    for title, members in SECTIONS.items():
        lines += [f"## {title}", ""]
        for member in members:
            lines += _member(member)
    return text(lines)


def _member(member: Public) -> list[str]:
    tree = ast.parse((ROOT / member.file).read_text(encoding="utf-8"))
    node = _found(tree, member.name)
    shown = _constructor(node) if isinstance(node, ast.ClassDef) else node
    lines = [f"### {member.name}", "", *code([f"from {member.imported_from} import {member.name}", "", *_signature(member.name, shown)])]
    lines += ["", *_prose(ast.get_docstring(node) or "")]
    if isinstance(node, ast.ClassDef):
        for name in member.methods:
            method = _found(node, name)
            assert isinstance(method, ast.FunctionDef)
            lines += [*code(_signature(name, method)), "", *_prose(ast.get_docstring(method) or "")]
    return lines


def _found(tree: ast.Module | ast.ClassDef, name: str) -> ast.FunctionDef | ast.ClassDef:
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name)


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    found = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    return found[0] if found else None


def _signature(name: str, node: ast.FunctionDef | ast.ClassDef | None) -> list[str]:
    if not isinstance(node, ast.FunctionDef):
        return [f"{name}(...)"]
    arguments = [one for one in _arguments(node.args) if one != "self"]
    returned = f" -> {ast.unparse(node.returns)}" if node.returns is not None and node.name != "__init__" else ""
    whole = f"{name}({', '.join(arguments)}){returned}"
    return [whole] if len(whole) <= 100 else [f"{name}(", *(f"    {one}," for one in arguments), f"){returned}"]


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    """Each argument with annotation and default, as it would be written."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: Sequence[ast.expr | None] = [*([None] * (len(plain) - len(arguments.defaults))), *arguments.defaults]
    yield from (_argument(one, default) for one, default in zip(plain, defaults))
    if arguments.vararg:
        yield f"*{_argument(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    yield from (_argument(one, default) for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults))


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    typed = f"{one.arg}: {ast.unparse(one.annotation)}" if one.annotation else one.arg
    return typed if default is None else f"{typed} = {ast.unparse(default)}" if one.annotation else f"{typed}={ast.unparse(default)}"


def _prose(docstring: str) -> list[str]:
    """A docstring as Markdown: its lists as bullets, its examples as code."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(docstring).split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        if first in LISTS:
            lines += [f"**{first.rstrip(':')}**", "", *_bullets(inspect.cleandoc(rest).splitlines()), ""]
        elif first == "Example:":
            lines += ["**Example**", "", *code(line.removeprefix(">>> ") for line in inspect.cleandoc(rest).splitlines()), ""]
        else:
            lines += [*paragraph.splitlines(), ""]
    return lines


def _bullets(lines: Sequence[str]) -> list[str]:
    """`name: text` a line, continued by indented lines."""
    items: list[str] = []
    for line in lines:
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        else:
            name, colon, meaning = line.partition(": ")
            names = name.split(", ")
            items.append(f"- `{name}`: {meaning}" if colon and all(one.isidentifier() for one in names) else f"- {line}")
    return items
