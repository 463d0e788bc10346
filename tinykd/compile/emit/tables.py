"""Constant tables: every array that a program reads from flash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.emit.names import CTYPES, Names, comment
from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.program import Program
from tinykd.compile.stream.schedule import LAYER_BY_LAYER, Schedule

_PER_LINE = {"int8_t": 24, "uint8_t": 24, "int16_t": 16, "uint16_t": 16, "int32_t": 10, "float": 8, "int64_t": 6}


@dataclass(frozen=True, eq=False)
class Constant:
    """A named table in flash; `note` says what it is."""

    symbol: str
    table: Table
    note: str

    @property
    def declaration(self) -> str:
        return f"const {self.table.ctype} {self.symbol}[{self.table.values.size}]"

    @property
    def bytes(self) -> int:
        return self.table.bytes


@dataclass(frozen=True, eq=False)
class Constants:
    """The tables of a program, equal ones stored once.

    Attributes:
        listed: in order of first use.
        fields: symbol by (layer, struct member); where rows of a layer have several, one of them.
        operands: symbol by index of a constant tensor that a kernel takes as an operand.
        starts: symbol by index of a state that a reset sets to several different bytes.
        symbols: symbol by type and content.
    """

    listed: tuple[Constant, ...]
    fields: dict[tuple[int, str], str]
    operands: dict[int, str]
    starts: dict[int, str]
    symbols: dict[tuple[str, bytes], str]

    @property
    def bytes(self) -> int:
        return sum(constant.bytes for constant in self.listed)

    def symbol(self, table: Table) -> str:
        """The symbol of a table."""
        return self.symbols[_key(table)]

    def of_layer(self, index: int) -> set[str]:
        """The symbols of a layer's tables, those of constant operands left out."""
        return {symbol for (layer, _), symbol in self.fields.items() if layer == index}


def collect(program: Program, names: Names, schedule: Schedule = LAYER_BY_LAYER) -> Constants:
    """Gather the tables of every kernel call and every constant operand.

    Args:
        schedule: which layers are computed row by row, by calls of their own.
    """
    listed: list[Constant] = []
    known: dict[tuple[str, bytes], str] = {}
    taken: set[str] = set()
    fields: dict[tuple[int, str], str] = {}
    operands: dict[int, str] = {}
    starts: dict[int, str] = {}

    def symbol(table: Table, suggestion: str, note: str) -> str:
        key = _key(table)
        if key not in known:
            while suggestion in taken:  # another row of the layer has another table
                suggestion += "_other"
            taken.add(suggestion)
            known[key] = f"{names.prefix}_weights_{suggestion}"
            listed.append(Constant(known[key], table, note))
        return known[key]

    for state in program.graph.states:
        if not resettable(state.initial):
            table = Table(CTYPES[state.initial.dtype.name], state.initial)
            starts[state.tensor] = symbol(table, f"start_{state.tensor}", f"state '{program.tensor(state.tensor).name}' after a reset")
    for layer in program.layers:
        if not isinstance(layer.call, Call):
            continue
        name = program.tensor(layer.op.subject).name
        for variant in schedule.variants(layer):
            assert isinstance(variant.call, Call)
            for field, value in variant.call.fields.items():
                if isinstance(value, Table):
                    note = f"layer {layer.index} {layer.op.kind} '{name}': {field} {list(value.values.shape)}"
                    fields.setdefault((layer.index, field), symbol(value, f"{layer.index}_{field}", note))
        for index in layer.passed:
            tensor = program.tensor(index)
            if tensor.data is not None:
                table = Table(CTYPES[tensor.dtype], tensor.data)
                operands[index] = symbol(table, f"constant_{index}", f"constant '{tensor.name}' {list(tensor.shape)}")
    return Constants(tuple(listed), fields, operands, starts, known)


def _key(table: Table) -> tuple[str, bytes]:
    return table.ctype, np.ascontiguousarray(table.values).tobytes()


def resettable(values: Array) -> bool:
    """All bytes of `values` are the same one, as memset writes them."""
    return len(set(values.tobytes())) <= 1


def literal(ctype: str, values: Array) -> str:
    """The elements as C initialisers, several a line."""
    if ctype == "float":
        texts = [f"{float(v).hex()}f" for v in values.ravel()]
    elif ctype == "int32_t":  # -2147483648 is an expression of type long in C, so spell it through its neighbour
        texts = ["(-2147483647 - 1)" if v == -(1 << 31) else str(v) for v in values.ravel().tolist()]
    else:
        texts = [str(int(v)) for v in values.ravel()]  # int: a boolean is 1, not True
    width = _PER_LINE[ctype]
    lines = (", ".join(texts[k : k + width]) for k in range(0, len(texts), width))
    return ",\n".join(f"    {line}" for line in lines)


def weights_source(constants: Constants, names: Names, banner: str) -> str:
    """`src/tinykd_NAME_weights.c`."""
    parts = [f'{banner}#include "{names.prefix}_weights.h"\n']
    for constant in constants.listed:
        body = literal(constant.table.ctype, constant.table.values)
        parts.append(
            f"/* {comment(constant.note)} */\n{names.macro}_WEIGHTS_SECTION TINYKD_ALIGNED(16)\n{constant.declaration} = {{\n{body}\n}};\n"
        )
    return "\n".join(parts)


def weights_header(constants: Constants, names: Names, banner: str) -> str:
    """`src/tinykd_NAME_weights.h`."""
    guard = f"{names.macro}_WEIGHTS_H"
    declarations = "".join(f"extern {constant.declaration};\n" for constant in constants.listed)
    return f"""{banner}#ifndef {guard}
#define {guard}

#include <stdint.h>

#include "tinykd/compiler.h"

/* Define it to place the weights, for example as __attribute__((section(".ext_flash"))). */
#ifndef {names.macro}_WEIGHTS_SECTION
#define {names.macro}_WEIGHTS_SECTION
#endif

{declarations}
#endif
"""
