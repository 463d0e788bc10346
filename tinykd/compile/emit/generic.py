"""`include/tinykd_model.h`: a model's interface under names without the model's, for programs that serve any model."""

from __future__ import annotations

from tinykd import __version__
from tinykd.compile.emit import memory
from tinykd.compile.emit.model import roles
from tinykd.compile.emit.names import Names
from tinykd.compile.emit.places import places
from tinykd.compile.planner.plan import Plan
from tinykd.compile.program import Program


def header(program: Program, plan: Plan, names: Names, banner: str) -> str:
    """`include/tinykd_model.h`: the same interface under names without the model's, for programs that serve any model."""
    graph, where = program.graph, places(program, plan, names)
    arenas = ", ".join(memory.argument(names, arena) for arena in where.arenas)
    cases = {}
    for role, indices in roles(graph):
        rows = []
        for position, index in enumerate(indices):
            port = names.port(role, position, len(indices))
            call = memory.array(names, port) if where.ends else f"{names.prefix}_{port}({arenas})"
            rows.append(f"    case {position}u:\n        *bytes = {graph.tensors[index].bytes}u;\n        return {call};")
        cases[role] = "\n".join(rows)
    unused = "    (void)arena;\n" if where.ends else ""
    arguments = ", ".join(memory.argument(names, parameter) for parameter in where.parameters)
    return f"""{banner}#ifndef TINYKD_MODEL_H
#define TINYKD_MODEL_H

#include <stdint.h>

#include "{names.prefix}.h"

#define TINYKD_VERSION "{__version__}"
#define TINYKD_MODEL_NAME "{names.model}"
#define TINYKD_MODEL_SHA256 {names.macro}_MODEL_SHA256
#define TINYKD_MODEL_ARENA_BYTES {names.macro}_ARENA_BYTES
#define TINYKD_MODEL_INPUTS {len(graph.inputs)}u
#define TINYKD_MODEL_OUTPUTS {len(graph.outputs)}u
#define TINYKD_MODEL_INPUT_BYTES {sum(graph.tensors[i].bytes for i in graph.inputs)}u
#define TINYKD_MODEL_OUTPUT_BYTES {sum(graph.tensors[i].bytes for i in graph.outputs)}u

{memory.declarations(graph, names, where)}/* Where input or output number `k` lies, and its bytes; a null pointer beyond the last. */
static inline void *tinykd_model_input(void *arena, uint32_t k, uint32_t *bytes)
{{
{unused}    switch (k) {{
{cases["input"]}
    default:
        *bytes = 0u;
        return 0;
    }}
}}

static inline const void *tinykd_model_output(const void *arena, uint32_t k, uint32_t *bytes)
{{
{unused}    switch (k) {{
{cases["output"]}
    default:
        *bytes = 0u;
        return 0;
    }}
}}

static inline int tinykd_model_invoke(void *arena)
{{
    return {names.prefix}_invoke({arguments});
}}

/* Sets the state of a model that has one to its start. */
static inline void tinykd_model_reset(void *arena)
{{
    {f"{names.prefix}_reset({arenas})" if graph.states else "(void)arena"};
}}

/* The tables of weights, biases and multipliers, and the CRC-32 (IEEE 802.3) that they had at export, end to end. */
struct tinykd_constant {{
    const void *at;
    uint32_t bytes;
}};
extern const struct tinykd_constant tinykd_constants[];
extern const uint32_t tinykd_constant_count;
extern const uint32_t tinykd_constants_crc;

/* Golden vectors, each from a reset: all inputs of one inference end to end, and the outputs that LiteRT's reference kernels computed. */
extern const uint32_t tinykd_golden_count;
extern const uint8_t tinykd_golden_inputs[];
extern const uint8_t tinykd_golden_outputs[];

#endif
"""
