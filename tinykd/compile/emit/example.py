"""What every example program holds: golden vectors as C arrays, and an inference as a user of this model writes it.

Both are C99 and C++11, so that a sketch may be either.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinykd.compile.emit.golden import Golden
from tinykd.compile.emit.names import CTYPES, Names
from tinykd.compile.emit.places import Parameter, Places, places
from tinykd.compile.emit.tables import literal
from tinykd.compile.graph import Graph
from tinykd.compile.planner.plan import Plan
from tinykd.compile.program import Program


def _ports(graph: Graph, names: Names, role: str) -> Iterator[tuple[str, int]]:
    """Name and bytes of each input or output, in the model's order."""
    indices = graph.inputs if role == "input" else graph.outputs
    for position, index in enumerate(indices):
        yield names.port(role, position, len(indices)), graph.tensors[index].bytes


def _split(vectors: tuple[bytes, ...], sizes: list[int]) -> list[list[bytes]]:
    """For each port the bytes of each vector, whose ports lie end to end."""
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return [[vector[start : start + size] for vector in vectors] for start, size in zip(starts, sizes)]


def golden_header(graph: Graph, golden: Golden, names: Names, banner: str) -> str:
    """`tinykd_NAME_golden.h`: `tinykd_NAME_golden_PORT[vectors][bytes]` for each input and output."""
    arrays = []
    for role, vectors in (("input", golden.inputs), ("output", golden.outputs)):
        ports = list(_ports(graph, names, role))
        for (port, size), rows in zip(ports, _split(vectors, [size for _, size in ports])):
            body = ",\n".join("    {\n" + literal("uint8_t", np.frombuffer(row, np.uint8)) + "\n    }" for row in rows)
            bound = f"[{names.macro}_GOLDEN][{names.macro}_{port.upper()}_BYTES]"
            assert size == len(rows[0])
            arrays.append(f"static const uint8_t {names.prefix}_golden_{port}{bound} = {{\n{body}\n}};\n")
    guard = f"{names.macro}_GOLDEN_H"
    return f"""{banner}#ifndef {guard}
#define {guard}

#include "{names.prefix}.h"

/* Inferences with the outputs that LiteRT's reference kernels computed, as bytes, the lowest byte of an element first. */
#define {names.macro}_GOLDEN {len(golden.inputs)}

{chr(10).join(arrays)}
#endif
"""


def inference(program: Program, plan: Plan, names: Names) -> str:
    """The memory of an inference, and `differing_bytes(k)`, which repeats golden vector `k`."""
    graph, where = program.graph, places(program, plan, names)
    arenas = ", ".join(arena.name for arena in where.arenas)
    lines = [f"    {names.prefix}_reset({arenas});"] if graph.states else []
    for port, _ in _ports(graph, names, "input"):
        inside = port if where.ends else f"{names.prefix}_{port}({arenas})"
        lines.append(f"    memcpy({inside}, {names.prefix}_golden_{port}[k], {names.macro}_{port.upper()}_BYTES);")
    lines.append(f"    if ({names.prefix}_invoke({', '.join(parameter.name for parameter in where.parameters)}) != 0) {{")
    lines.append("        return 1; /* a pointer is null or not aligned */\n    }")
    for port, _ in _ports(graph, names, "output"):
        inside = port if where.ends else f"{names.prefix}_{port}({arenas})"
        lines.append(f"    differing += differing_in({inside}, {names.prefix}_golden_{port}[k], {names.macro}_{port.upper()}_BYTES);")
    return f"""{_memory(graph, names, where)}
static unsigned long differing_in(const void *computed, const uint8_t *expected, unsigned long bytes)
{{
    const uint8_t *const got = (const uint8_t *)computed;
    unsigned long differing = 0;

    for (unsigned long i = 0; i < bytes; ++i) {{
        differing += got[i] != expected[i] ? 1u : 0u;
    }}
    return differing;
}}

/* Repeats golden vector `k` as a program runs inputs of its own. Returns how many bytes of the outputs differ: 0. */
static unsigned long differing_bytes(int k)
{{
    unsigned long differing = 0;

{chr(10).join(lines)}
    return differing;
}}
"""


def usage(program: Program, plan: Plan, names: Names) -> str:
    """An inference of the user's own input, as an indented block of Markdown."""
    graph, where = program.graph, places(program, plan, names)
    arenas = ", ".join(arena.name for arena in where.arenas)
    lines = [line for line in _memory(graph, names, where).splitlines() if not line.startswith("/*")]
    if graph.states:
        lines.append(f"{names.prefix}_reset({arenas}); /* at the start of a sequence */")
    for port, _ in _ports(graph, names, "input"):
        inside = port if where.ends else f"{names.prefix}_{port}({arenas})"
        lines.append(f"memcpy({inside}, your_{port}, {names.macro}_{port.upper()}_BYTES);")
    lines.append(f"{names.prefix}_invoke({', '.join(parameter.name for parameter in where.parameters)});")
    for position, (port, _) in enumerate(() if where.ends else _ports(graph, names, "output")):
        ctype = CTYPES[graph.tensors[graph.outputs[position]].dtype]
        lines.append(f"const {ctype} *{port} = {names.prefix}_{port}({arenas});")
    return "".join(f"    {line}\n" for line in (f'#include "{names.prefix}.h"', "", *lines))


def _memory(graph: Graph, names: Names, where: Places) -> str:
    text = ""
    for arena in where.arenas:
        lies = "" if arena.name == "arena" else f" Place it in the bank '{arena.name}' by a section of your linker script."
        held = "It holds the model's state between inferences." if graph.states else "Between inferences it is free for anything."
        text += f"/* {held}{lies} */\nstatic {_array('uint8_t', arena, f'{names.macro}_{arena.name.upper()}_BYTES')};\n"
    for end in where.ends:
        assert end.tensor is not None
        text += f"static {_array(CTYPES[graph.tensors[end.tensor].dtype], end, f'{names.macro}_{end.name.upper()}_ELEMENTS')};\n"
    return text


def _array(ctype: str, parameter: Parameter, elements: str) -> str:
    return f"{ctype} {parameter.name}[{elements}] __attribute__((aligned({parameter.alignment})))"
