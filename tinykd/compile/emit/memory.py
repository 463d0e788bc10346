"""The memory of the main program: the buffers of inputs and outputs that are not in its arena."""

from __future__ import annotations

from tinykd.compile.emit.names import CTYPES, Names
from tinykd.compile.emit.places import Parameter, Places
from tinykd.compile.graph import Graph


def array(names: Names, parameter: str) -> str:
    """The C name of the array behind a parameter."""
    return f"{names.prefix}_{parameter}_memory"


def argument(names: Names, parameter: Parameter) -> str:
    """What a main program with one `arena` passes for `parameter`."""
    return parameter.name if parameter.name == "arena" else array(names, parameter.name)


def _declared(graph: Graph, names: Names, parameter: Parameter) -> str:
    assert parameter.tensor is not None
    tensor = graph.tensors[parameter.tensor]
    return f"{CTYPES[tensor.dtype]} {array(names, parameter.name)}[{max(tensor.elements, 1)}]"


def declarations(graph: Graph, names: Names, where: Places) -> str:
    """For `tinykd_model.h`: the arrays of `source`, nothing where there are none."""
    lines = "".join(f"extern {_declared(graph, names, parameter)};\n" for parameter in where.ends)
    return lines + "\n" if lines else ""


def source(graph: Graph, names: Names, where: Places, banner: str) -> str:
    """`src/tinykd_NAME_memory.c`."""
    arrays = "".join(f"TINYKD_ALIGNED({parameter.alignment}) {_declared(graph, names, parameter)};\n" for parameter in where.ends)
    return f"""{banner}#include "tinykd/compiler.h"
#include "tinykd_model.h"

/* What the caller of an inference owns beside the arena: inputs and outputs. */
{arrays}"""
