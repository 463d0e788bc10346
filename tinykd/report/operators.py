"""`docs/operators.md`, from the operator table: `python -m tinykd.report.operators docs/operators.md`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import AnyOperator, Call
from tinykd.compile.passes import GRAPH_PASSES, PROGRAM_PASSES, GraphPass, ProgramPass
from tinykd.errors import UnsupportedModel

CASES = 40
"""Test cases drawn of each operator, to see which kernels its forms call."""

_ROUNDINGS = ("single", "double")


def operators_markdown() -> str:
    """One row an operator of the table: TensorFlow Lite's name and number, what is compiled, and in which C file."""
    lines = [
        "# Operators",
        "",
        f"The {len(OPERATORS)} TensorFlow Lite operators that tinykd compiles. This page is generated from the table in",
        "`tinykd/compile/ops/__init__.py` by `make docs`; each row is one file there and one in `firmware/kernels/`.",
        "An operator that is missing here, or one in a form that its row does not name, is refused at export with the reason",
        "(`tinykd inspect MODEL.tflite` shows every refusal in its place).",
        "",
        "| operator | number | what is compiled | C |",
        "|---|---:|---|---|",
        *(f"| `{kind}` | {row.code} | {row.summary} | {_files(row)} |" for kind, row in sorted(OPERATORS.items())),
        "",
        "## Rewrites",
        "",
        "What happens to a graph before C is written, in this order. None changes an integer of an output; each can be left",
        "out with `--without NAME`. Those marked * run only when asked for.",
        "",
        "| rewrite | what it does |",
        "|---|---|",
    ]
    passes: dict[str, GraphPass | ProgramPass] = {**GRAPH_PASSES, **PROGRAM_PASSES}
    lines += [f"| `{name}`{'' if one.default else ' *'} | {one.summary} |" for name, one in passes.items()]
    return "\n".join(lines) + "\n"


def _files(row: AnyOperator) -> str:
    """The kernel files that the operator's test cases call; a case that is only a view calls none."""
    found, views = set[str](), False
    for seed in range(CASES):
        case = row.cases(np.random.default_rng([seed, row.code]))
        for rounding in _ROUNDINGS:
            try:
                call = row.call(row.lower(case.graph, case.graph.ops[0], rounding))  # type: ignore[arg-type]
            except UnsupportedModel:
                continue
            if isinstance(call, Call):
                found.add(f"`{call.source}`")
            else:
                views = True
    return ", ".join([*sorted(found), *(["no code: a view"] if views else [])])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(operators_markdown(), encoding="utf-8")
