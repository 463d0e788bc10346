"""`tinykd_NAME.h` and `tinykd_NAME.c`: the interface, the parameters of each layer, one readable call a layer."""

from __future__ import annotations

from tinykd.compile.emit import stream
from tinykd.compile.emit.names import CTYPES, Names, comment, described
from tinykd.compile.emit.places import Parameter, Places, places, pointer_of
from tinykd.compile.emit.tables import Constants
from tinykd.compile.graph import Graph, Tensor
from tinykd.compile.ops.operator import Call
from tinykd.compile.planner.plan import ARENA_ALIGNMENT, Plan
from tinykd.compile.program import Layer, Program
from tinykd.compile.stream.chain import Chain


def roles(graph: Graph) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The ends of the model: its inputs and its outputs, by tensor."""
    return ("input", graph.inputs), ("output", graph.outputs)


def _accessor(names: Names, role: str, position: int, count: int, tensor: Tensor, where: Places) -> str:
    """The prototype of `tinykd_NAME_input(void *arena)` and its kin, without the semicolon."""
    ctype, function = CTYPES[tensor.dtype], f"{names.prefix}_{names.port(role, position, count)}"
    const = "" if role == "input" else "const "
    return f"{const}{ctype} *{function}({', '.join(const + arena.declaration for arena in where.arenas)})"


def header(program: Program, plan: Plan, names: Names, banner: str) -> str:
    """`include/tinykd_NAME.h`."""
    graph, macro = program.graph, names.macro
    lines = []
    for role, indices in roles(graph):
        lines.append(f"#define {macro}_{role.upper()}S {len(indices)}")
        for position, index in enumerate(indices):
            tensor = graph.tensors[index]
            stem = f"{macro}_{names.port(role, position, len(indices)).upper()}"
            lines.append(f"/* '{comment(tensor.name)}' {described(tensor)} */")
            lines.append(f"#define {stem}_BYTES {tensor.bytes}")
            lines.append(f"#define {stem}_ELEMENTS {tensor.elements}")
            if tensor.quant is not None:
                lines.append(f"#define {stem}_SCALE {tensor.quant.scale!r}f")
                lines.append(f"#define {stem}_ZERO_POINT ({tensor.quant.zero_point})")
        lines.append("")
    where = places(program, plan, names)
    arenas = "\n".join(f"#define {macro}_{arena.name.upper()}_BYTES {arena.bytes}" for arena in where.arenas)
    others = _accessor_declarations(graph, names, where) + _reset_declaration(graph, names, where)
    defines = "\n".join(lines)
    guard = f"TINYKD_MODEL_{graph.name.upper()}_H"  # a model may be called like a kernel's header: lstm, pad, select
    return f"""{banner}#ifndef {guard}
#define {guard}

#include <stdint.h>

#define {macro}_MODEL_SHA256 "{graph.model_sha256}"
{arenas}
#define {macro}_ARENA_ALIGN {ARENA_ALIGNMENT}
#define {macro}_MACS {program.macs}u

{defines}
#ifdef __cplusplus
extern "C" {{
#endif

{others}/* One inference. Returns 0, or -1 if a pointer is null or not aligned. Keeps no state outside its arena: safe to call from
 * several threads with an arena each.
{_meaning(graph, names, where)} */
int {names.prefix}_invoke({_prototype(where.parameters)});

#ifdef __cplusplus
}}
#endif

#endif
"""


def _prototype(parameters: tuple[Parameter, ...]) -> str:
    return ", ".join(parameter.declaration for parameter in parameters)


def _accessor_declarations(graph: Graph, names: Names, where: Places) -> str:
    if where.ends:
        return ""
    accessors = [
        f"{_accessor(names, role, position, len(indices), graph.tensors[index], where)};"
        for role, indices in roles(graph)
        for position, index in enumerate(indices)
    ]
    return f"""/* Where inputs are written before, and outputs read after, an inference. Inputs do not survive it. */
{chr(10).join(accessors)}

"""


def _meaning(graph: Graph, names: Names, where: Places) -> str:
    """What each parameter of an inference is, as lines of a comment."""
    lines = []
    for arena in where.arenas:
        lines.append(
            f" * {arena.name}: {names.macro}_{arena.name.upper()}_BYTES bytes aligned to {arena.alignment}; the caller owns it and"
        )
        lines.append(f" *     {_between(graph, where)}")
    for end in where.ends:
        assert end.tensor is not None
        stem = f"{names.macro}_{end.name.upper()}"
        lines.append(
            f" * {end.name}: {stem}_ELEMENTS elements aligned to {end.alignment} bytes, {comment(described(graph.tensors[end.tensor]))}"
        )
    return "\n".join(lines)


def _between(graph: Graph, where: Places) -> str:
    if graph.states:
        return f"must leave it alone between inferences{'' if where.ends else ' but for the inputs'}: it holds the model's state"
    return "may use it for anything between inferences"


def _reset_declaration(graph: Graph, names: Names, where: Places) -> str:
    if not graph.states:
        return ""
    listed = ", ".join(f"'{comment(graph.tensors[state.tensor].name)}'" for state in graph.states)
    return f"""/* Sets the model's state to its start: {listed}.
 * Call it once before the first inference, and again whenever a new sequence begins. */
void {names.prefix}_reset({_prototype(where.arenas)});

"""


def _reset_definition(program: Program, where: Places, constants: Constants, names: Names) -> str:
    if not program.graph.states:
        return ""
    lines = [_bases(where), _unused(where)]
    for state in program.graph.states:
        tensor, place = program.tensor(state.tensor), where.of_tensor(state.tensor)
        start = constants.starts.get(state.tensor)
        value = state.initial.tobytes()[0] if state.initial.size else 0
        call = f"memset({place}, {value}, {tensor.bytes}u)" if start is None else f"memcpy({place}, {start}, {tensor.bytes}u)"
        lines.append(f"    /* '{comment(tensor.name)}': {described(tensor)} */\n    {call};")
    return f"void {names.prefix}_reset({_prototype(where.arenas)})\n{{\n{chr(10).join(lines)}\n}}\n\n"


def source(program: Program, plan: Plan, constants: Constants, names: Names, banner: str, headers: tuple[str, ...]) -> str:
    """`src/tinykd_NAME.c`."""
    graph = program.graph
    parameters = [_parameters(plan, layer, constants) for layer in program.layers if isinstance(layer.call, Call)]
    parameters += stream.functions(program, plan.schedule, constants.operands)
    where = places(program, plan, names)
    inside = {layer for one in plan.schedule.chains for layer in range(one.first + 1, one.last + 1)}
    steps = [_step(program, where, constants, layer) for layer in program.layers if layer.index not in inside]
    steps += [f"\n    memcpy({end.name}, {where.of_key(key)}, {end.bytes}u);" for end, key in where.copied]
    accessors = []
    for role, indices in () if where.ends else roles(graph):
        const = "" if role == "input" else "const "
        for position, index in enumerate(indices):
            prototype = _accessor(names, role, position, len(indices), graph.tensors[index], where)
            accessors.append(
                f"{prototype}\n{{\n{_bases(where, const)}\n{_unused(where)}    return ({const}void *)({where.of_tensor(index)});\n}}\n"
            )
    includes = "".join(f'#include "tinykd/{name}"\n' for name in headers)
    memory = "#include <string.h>\n\n" if graph.states or where.copied else ""
    return f"""{banner}{memory}#include "{names.prefix}.h"

{includes}#include "{names.prefix}_weights.h"

/* A build with TINYKD_TRACE hands every computed tensor to this function, for comparison layer by layer. */
#ifdef TINYKD_TRACE
void tinykd_trace(int tensor, const void *data, uint32_t bytes);
#else
#define tinykd_trace(tensor, data, bytes) ((void)0)
#endif

{chr(10).join(parameters)}
{chr(10).join(accessors)}
{_reset_definition(program, where, constants, names)}int {names.prefix}_invoke({_prototype(where.parameters)})
{{
{_bases(where)}
    if ({_refused(where)}) {{
        return -1;
    }}
{chr(10).join(steps)}
    return 0;
}}
"""


def _parameters(plan: Plan, layer: Layer, constants: Constants) -> str:
    """The parameter structs of a layer: one, or those of its rows."""
    rows, structs = plan.schedule.rows_at(layer.index), []
    for variant in plan.schedule.variants(layer):
        call, members = variant.call, []
        assert isinstance(call, Call)
        for field, value in call.fields.items():
            members.append(f"    .{field} = {value if isinstance(value, int) else constants.symbol(value)},")
        name = f"layer_{layer.index}" if rows is None else stream.struct_name(rows, variant)
        structs.append(f"static const struct {call.struct} {name} = {{\n{chr(10).join(members)}\n}};\n")
    return "\n".join(structs)


def _bases(where: Places, const: str = "") -> str:
    return "".join(f"    {const}int8_t *const {pointer_of(arena)} = {arena.name};\n" for arena in where.arenas)


def _unused(where: Places) -> str:
    """For functions that may not need every bank."""
    return "".join(f"    (void){pointer_of(arena)};\n" for arena in where.arenas) if len(where.arenas) > 1 else ""


def _refused(where: Places) -> str:
    """The condition under which an inference is refused."""
    tests = []
    for parameter in where.parameters:
        pointer = pointer_of(parameter) if parameter.tensor is None else parameter.name
        tests.append(f"{pointer} == 0 || ((uintptr_t){pointer} % {parameter.alignment}u) != 0u")
    return " ||\n        ".join(tests)


def _pointer(program: Program, where: Places, constants: Constants, index: int) -> str:
    if index in constants.operands:
        return constants.operands[index]
    return where.of_tensor(index) if program.tensor(index).dtype == "int8" else where.void(index)


def _step(program: Program, where: Places, constants: Constants, layer: Layer) -> str:
    schedule = where.plan.schedule
    chain, rows = schedule.chain_at(layer.index), schedule.rows_at(layer.index)
    if chain is not None:
        return _chain(where, chain)
    result = program.tensor(layer.op.subject)
    title = f"{layer.index} {layer.op.kind} '{comment(result.name)}'"
    shapes = " + ".join(described(program.tensor(i)) for i in layer.passed)
    outcome = ", ".join(described(program.tensor(i)) for i in layer.written)
    call = layer.call
    if not isinstance(call, Call):
        return f"\n    /* {title}: {shapes} -> {outcome}; a view, nothing to compute */"
    cost = f"; {layer.macs} MACs" if layer.macs else ""
    arguments = [f"&layer_{layer.index}"] if rows is None else []
    arguments += [_pointer(program, where, constants, index) for index in (*layer.passed, *layer.op.outputs)]
    if call.scratch if rows is None else rows.scratch:
        arguments.append(f"(void *)({where.of_key(-1 - layer.index)})")
    function = call.function if rows is None else stream.backward_name(rows)
    lines = ["", f"    /* {title}: {shapes} -> {outcome}{cost} */", f"    {function}({', '.join(arguments)});"]
    for index in layer.op.outputs:
        lines.append(f"    tinykd_trace({index}, {where.of_tensor(index)}, {program.tensor(index).bytes}u);")
    return "\n".join(lines)


def _chain(where: Places, chain: Chain) -> str:
    arguments = [where.of_tensor(index) for index in (*chain.sources, chain.output)]
    arguments += [where.of_key(-1 - chain.first)] * bool(chain.scratch)
    return f"\n    /* {chain.first} to {chain.last}, row by row */\n    {stream.chain_name(chain)}({', '.join(arguments)});"
