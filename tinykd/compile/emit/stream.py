"""Chains and layers that run backward as C: one static function each, readable row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinykd.compile.emit.names import comment, described
from tinykd.compile.graph import Tensor
from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program
from tinykd.compile.stream.chain import Chain
from tinykd.compile.stream.rows import Rows, Window
from tinykd.compile.stream.schedule import Schedule

HEADER = "stream.h"
"""What the functions include."""


def struct_name(rows: Rows, variant: Layer) -> str:
    """The C name of the parameters of a row."""
    if variant is rows.middle:
        return f"layer_{rows.layer.index}"
    return f"layer_{rows.layer.index}_row_{min(row for row, layer in rows.edges.items() if layer is variant)}"


def chain_name(chain: Chain) -> str:
    return f"layers_{chain.first}_to_{chain.last}"


def backward_name(rows: Rows) -> str:
    return f"layer_{rows.layer.index}_backward"


def functions(program: Program, schedule: Schedule, operands: Mapping[int, str]) -> list[str]:
    """The functions of a schedule.

    Args:
        operands: the symbols of constant operands, by tensor.
    """
    chains = [chain_function(program, chain, operands) for chain in schedule.chains]
    return chains + [backward_function(program, rows) for rows in schedule.backward]


def chain_function(program: Program, chain: Chain, operands: Mapping[int, str]) -> str:
    """The function of a chain: `(source..., output, scratch)`, all of them pointers to int8_t.

    Args:
        operands: the symbols of constant operands, by tensor.
    """
    parameters = [f"const int8_t *t{index}" for index in chain.sources]
    parameters += [f"int8_t *t{chain.output}"] + (["int8_t *scratch"] if chain.scratch else [])
    lines = [
        f"/* Layers {chain.first} to {chain.last}, row by row: the next row is of the last layer that is waited for and has what it reads.",
        " * n: rows computed of a tensor. Of those inside so many are kept:",
    ]
    lines += [
        f" * t{index} {held.capacity} of {program.tensor(index).shape[1]} rows of {held.row_bytes} bytes"
        for index, held in chain.held.items()
    ]
    lines[-1] += " */"
    lines += [f"static void {chain_name(chain)}({', '.join(parameters)})", "{"]
    lines += [f"    int32_t {', '.join(f'n{stage.output} = 0' for stage in chain.stages)};"]
    moving = [index for index, held in chain.held.items() if held.capacity > 1]
    lines += [f"    int32_t {', '.join(f'first{index} = 0' for index in moving)};"] * bool(moving)
    last = chain.stages[-1]
    lines += ["", f"    while (n{last.output} < {last.count}) {{"]
    lines += [f"        const int want{stage.output} = {_wanted(chain, stage)};" for stage in reversed(chain.stages[1:-1])]
    lines.append("")
    for stage in reversed(chain.stages):
        lines.append(f"        {'' if stage is last else '} else '}{_turn(chain, stage)}{{")
        lines += _stage(program, chain, stage, operands)
    return "\n".join([*lines, "        }", "    }", "}"]) + "\n"


def backward_function(program: Program, rows: Rows) -> str:
    """The function of a layer that runs backward: `(input, output[, scratch])`."""
    source, output, row_bytes = rows.sources[0], rows.output, program.tensor(rows.output).bytes // rows.count
    scratch = ", int8_t *scratch" if rows.scratch else ""
    lines = [
        f"/* Layer {rows.layer.index} from its last row to its first: the output lies over the input, a little above it. */",
        f"static void {backward_name(rows)}(const int8_t *t{source}, int8_t *t{output}{scratch})",
        "{",
        f"    for (int32_t row = {rows.count - 1}; row >= 0; --row) {{",
        f"        const int8_t *const in = t{source} + {_first(rows.window, 'row')} * {program.tensor(source).bytes // rows.window.input};",
        f"        int8_t *const out = t{output} + row * {row_bytes};",
        "",
        *_calls(program, rows, "row", {source: "in"}, "scratch", "        "),
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _stage(program: Program, chain: Chain, stage: Rows, operands: Mapping[int, str]) -> list[str]:
    """One row of a stage, as the body of its branch."""
    output, count = stage.output, f"n{stage.output}"
    row_bytes = program.tensor(output).bytes // stage.count
    title = f"{stage.layer.index} {stage.layer.op.kind} '{comment(program.tensor(output).name)}'"
    shapes = " + ".join(described(program.tensor(index)) for index in stage.layer.passed)
    lines = [f"            /* {title}: {shapes} -> {described(program.tensor(output))} */"]
    names = {}
    for position, source in enumerate(stage.sources):
        names[source] = "in" if len(stage.sources) == 1 else f"in_{position}"
        lines.append(f"            const int8_t *const {names[source]} = {_source(program, chain, stage, source)};")
    held = chain.held.get(output)
    if held is None:
        place = f"t{output} + {count} * {row_bytes}"
    elif held.capacity == 1:
        place = f"scratch + {held.offset}"
    else:
        lowest = _joined("tinykd_smaller", [_first(reader.window, f"n{reader.output}") for reader in chain.readers(output)])
        place = f"tinykd_next_row(scratch + {held.offset}, &first{output}, {count}, {lowest}, {held.capacity}, {held.row_bytes})"
    lines += [f"            int8_t *const out = {place};", ""]
    lines += _calls(program, stage, count, {**operands, **names}, f"scratch + {chain.kernel_scratch}", "            ")
    return [*lines, f"            tinykd_trace({output}, out, {row_bytes}u);", f"            ++{count};"]


def _source(program: Program, chain: Chain, stage: Rows, source: int) -> str:
    """The first row of `source` that the next row of a stage reads."""
    row = _first(stage.window, f"n{stage.output}")
    held = chain.held.get(source)
    if held is None:
        return f"t{source} + {row} * {program.tensor(source).bytes // stage.window.input}"
    if held.capacity == 1:
        return f"scratch + {held.offset}"
    return f"scratch + {held.offset} + ({row} - first{source}) * {held.row_bytes}"


def _calls(program: Program, rows: Rows, row: str, operands: Mapping[int, str], scratch: str, indent: str) -> list[str]:
    """The kernel call of row `row`: edges have parameters of their own."""

    def call(variant: Layer) -> str:
        assert isinstance(variant.call, Call)
        arguments = [f"&{struct_name(rows, variant)}"]
        arguments += [_cast(program.tensor(index), operands[index]) for index in variant.passed]
        arguments.append(_cast(program.tensor(rows.output), "out"))
        arguments += [f"(void *)({scratch})"] * bool(variant.call.scratch)
        return f"{variant.call.function}({', '.join(arguments)});"

    if not rows.edges:
        return [f"{indent}{call(rows.middle)}"]
    lines = [f"{indent}switch ({row}) {{"]
    for variant in dict.fromkeys(rows.edges.values()):
        lines += [f"{indent}case {at}:" for at, layer in rows.edges.items() if layer is variant]
        lines += [f"{indent}    {call(variant)}", f"{indent}    break;"]
    return [*lines, f"{indent}default:", f"{indent}    {call(rows.middle)}", f"{indent}    break;", f"{indent}}}"]


def _cast(tensor: Tensor, pointer: str) -> str:
    if tensor.dtype == "int8" or tensor.is_constant:
        return pointer
    return f"({'void' if pointer == 'out' else 'const void'} *){pointer}"


def _wanted(chain: Chain, stage: Rows) -> str:
    """Whether some reader that is wanted itself lacks rows of a stage."""
    tests = []
    for reader in chain.readers(stage.output):
        lacking = f"n{stage.output} < {_end(reader.window, reader)}"
        tests.append(lacking if reader is chain.stages[-1] else f"want{reader.output} && {lacking}")
    return tests[0] if len(tests) == 1 else " || ".join(f"({test})" for test in tests)


def _turn(chain: Chain, stage: Rows) -> str:
    """The condition under which a stage, of those that are not later ones' turn, computes a row."""
    if stage is chain.stages[0]:
        return ""
    tests = [f"n{source} >= {_end(stage.window, stage)}" for source in stage.sources if source in chain.held]
    return f"if ({' && '.join([f'want{stage.output}'] * (stage is not chain.stages[-1]) + tests)}) "


def _first(window: Window, row: str) -> str:
    """`Window.first` in C."""
    scaled = row if window.stride == 1 else f"{row} * {window.stride}"
    return f"tinykd_larger({scaled} - {window.pad}, 0)" if window.pad else scaled


def _end(window: Window, reader: Rows) -> str:
    """`Window.end` of a reader's next row in C."""
    scaled = f"n{reader.output}" if window.stride == 1 else f"n{reader.output} * {window.stride}"
    beyond = window.reach - window.pad
    text = f"{scaled} {'+' if beyond >= 0 else '-'} {abs(beyond)}"
    inside = (reader.count - 1) * window.stride + beyond <= window.input
    return text if inside else f"tinykd_smaller({text}, {window.input})"


def _joined(function: str, expressions: Sequence[str]) -> str:
    """`function(a, function(b, c))`."""
    *others, text = dict.fromkeys(expressions)
    for other in others:
        text = f"{function}({other}, {text})"
    return text
