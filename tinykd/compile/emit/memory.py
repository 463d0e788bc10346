"""The memory of the main program beside its arena: parts in other banks, and inputs and outputs outside."""

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


def needed(where: Places) -> tuple[Parameter, ...]:
    """The parameters that get an array here: all but the main program's own arena."""
    return (*where.arenas[1:], *where.ends)


def _declared(graph: Graph, names: Names, parameter: Parameter) -> str:
    if parameter.tensor is None:
        return f"uint8_t {array(names, parameter.name)}[{parameter.bytes}]"
    tensor = graph.tensors[parameter.tensor]
    return f"{CTYPES[tensor.dtype]} {array(names, parameter.name)}[{max(tensor.elements, 1)}]"


def declarations(graph: Graph, names: Names, where: Places) -> str:
    """For `tinykd_model.h`: the arrays of `source`, nothing where there are none."""
    lines = "".join(f"extern {_declared(graph, names, parameter)};\n" for parameter in needed(where))
    return lines + "\n" if lines else ""


def source(graph: Graph, names: Names, where: Places, banner: str) -> str:
    """`src/tinykd_NAME_memory.c`."""
    arrays = ""
    for parameter in needed(where):
        bank = f'BANK("{parameter.name}") ' if parameter.tensor is None else ""
        arrays += f"{bank}TINYKD_ALIGNED({parameter.alignment}) {_declared(graph, names, parameter)};\n"
    return f"""{banner}#include "tinykd/compiler.h"
#include "tinykd_model.h"

/* Where link.ld looks for what belongs into another bank of RAM. */
#ifdef __ELF__
#define BANK(name) __attribute__((section(".bss.bank." name)))
#else
#define BANK(name)
#endif

/* What the caller of an inference owns beside its arena. */
{arrays}"""
