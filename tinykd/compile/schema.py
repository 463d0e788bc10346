"""The parts of the TensorFlow Lite schema (version 3) that the reader and the writer share."""

from __future__ import annotations

import dataclasses
from typing import Any

from tinykd.compile.flatbuffer import Table

IDENTIFIER = b"TFL3"
VERSION = 3

TYPE_CODES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "int4": 17}
"""TensorType numbers of the dtypes that a graph can hold."""

TYPE_NAMES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool", 7: "int16",
    8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64", 13: "resource", 14: "variant",
    15: "uint32", 16: "uint16", 17: "int4", 18: "bfloat16", 19: "int2",
}  # fmt: skip
"""Every TensorType number by name, for messages."""

CUSTOM_CODE = 32


def slot(number: int, kind: str, default: Any) -> Any:
    """A dataclass field that is field `number` of a builtin-options table.

    Args:
        number: the field's position in the schema's table.
        kind: a scalar type (`int8`, `int32`, `float32`, `bool`, …), `[int32]` for a vector, or `text`.
        default: the schema's default.
    """
    return dataclasses.field(default=default, metadata={"slot": number, "kind": kind})


def slots(kind: Any) -> list[dataclasses.Field[Any]]:
    """The fields of an options dataclass that lie in the file; others are set by rewrites."""
    return [field for field in dataclasses.fields(kind) if "slot" in field.metadata]


def read_options(kind: type | None, table: Table | None) -> Any:
    """Fill the options dataclass `kind` from its table; absent tables mean all defaults."""
    if kind is None:
        return None
    if table is None:
        return kind()
    values: dict[str, Any] = {}
    for field in slots(kind):
        number, stored = field.metadata["slot"], field.metadata["kind"]
        if stored.startswith("["):
            vector = table.vector(number, stored[1:-1])
            values[field.name] = () if vector is None else tuple(vector.tolist())
        elif stored == "text":
            values[field.name] = table.text(number)
        else:
            values[field.name] = table.scalar(number, stored, field.default)
    return kind(**values)
