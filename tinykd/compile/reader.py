"""`.tflite` bytes to a Graph. Nothing of the file is believed before it is checked."""

from __future__ import annotations

import hashlib
import math
import re
from pathlib import Path

import numpy as np

from tinykd.compile import nibbles, schema, variables
from tinykd.compile.flatbuffer import Buffer, Table
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Quant, State, Tensor
from tinykd.compile.ops import OPERATORS, stateful
from tinykd.errors import UnsupportedModel, UsageError

_MOST_ELEMENTS = 1 << 28
"""A microcontroller holds no tensor near this size; larger shapes are corruption."""

_MOST_STATE_ELEMENTS = 1 << 22
"""A state is memory already while it is read; a damaged shape must not ask for gigabytes."""

_LONGEST_NAME = 64

_KINDS = {row.code: kind for kind, row in OPERATORS.items()} | {marker.code: kind for kind, marker in variables.MARKERS.items()}


def read_file(path: Path) -> Graph:
    """Read a `.tflite` file.

    Raises:
        UsageError: the file does not exist or cannot be read.
        UnsupportedModel: it is not a TensorFlow Lite model, is corrupt, or holds an unsupported type.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}", "check the path") from error
    return read_model(data, path.stem)


def read_model(data: bytes, name: str = "network") -> Graph:
    """Read the bytes of a `.tflite` model; `name` becomes the C prefix.

    Raises:
        UnsupportedModel: see `read_file`.
    """
    root = Buffer(data).root(schema.IDENTIFIER)
    version = root.scalar(0, "uint32", 0)
    if version != schema.VERSION:
        raise UnsupportedModel(f"schema version {version} is not {schema.VERSION}", "convert the model with a current LiteRT")
    subgraphs = root.tables(2)
    if not subgraphs:
        raise UnsupportedModel("the model holds no subgraph")
    kinds = [_kind(code) for code in root.tables(1)]
    buffers = root.tables(4)
    main = subgraphs[0]

    def read(table: Table) -> variables.Subgraph:
        tensors = tuple(_tensor(part, k, buffers) for k, part in enumerate(table.tables(0)))
        return tensors, tuple(_operator(part, k, kinds) for k, part in enumerate(table.tables(3)))

    def subgraph(index: int) -> variables.Subgraph:
        if not 0 < index < len(subgraphs):
            raise UnsupportedModel(f"CALL_ONCE names subgraph {index} of {len(subgraphs)}")
        return read(subgraphs[index])

    (tensors, ops), resources = variables.resolve(read(main), subgraph)
    kept = [k for k, table in enumerate(main.tables(0)) if table.scalar(5, "bool", False) and not tensors[k].is_constant]
    graph = Graph(
        tensors=tensors,
        ops=ops,
        inputs=_indices(main, 1),
        outputs=_indices(main, 2),
        name=_identifier(name),
        model_sha256=hashlib.sha256(data).hexdigest(),
        model_bytes=len(data),
        states=(*(State(k, stateful.start(_small(tensors[k]))) for k in kept), *resources),
    )
    _check_ends(graph)
    graph.check()
    return graph


def _small(state: Tensor) -> Tensor:
    """`state`, whose start is about to be made."""
    if state.elements > _MOST_STATE_ELEMENTS:
        raise UnsupportedModel(f"'{state.name}' keeps {state.elements} elements between inferences: more than a microcontroller holds")
    return state


def _check_ends(graph: Graph) -> None:
    """Callers write inputs and read outputs in the arena, where constants have no place."""
    for role, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for position, index in enumerate(indices):
            if not 0 <= index < len(graph.tensors):
                raise UnsupportedModel(f"graph {role} {index} does not exist among {len(graph.tensors)} tensors")
            if graph.tensors[index].dtype == variables.RESOURCE:
                raise UnsupportedModel(f"graph {role} '{graph.tensors[index].name}' stands for a variable")
            if graph.tensors[index].is_constant:
                raise UnsupportedModel(f"graph {role} '{graph.tensors[index].name}' is a constant")
            if role == "input" and index in indices[:position]:
                raise UnsupportedModel(f"graph input '{graph.tensors[index].name}' is listed twice")


def _identifier(name: str) -> str:
    """`name` as part of C names. `model` alone is what serves any model: the firmware calls `tinykd_model_invoke` and its kin."""
    clean = re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")
    if clean in ("", "model"):
        return "network"
    return f"model_{clean}" if clean[0].isdigit() else clean


def _abbreviated(name: str) -> str:
    """Converters join the names of all layers that they fused; messages and comments need one a person can read."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME // 2 - 2]}...{name[-_LONGEST_NAME // 2 + 1 :]}"


def _kind(code: Table) -> str:
    builtin = max(code.scalar(0, "int8", 0), code.scalar(3, "int32", 0))
    if builtin == schema.CUSTOM_CODE:
        return f"CUSTOM {code.text(1)}"
    return _KINDS.get(builtin) or _builtin_name(builtin)


def _builtin_name(code: int) -> str:
    """The name of an operator outside the table, from LiteRT's own list where that is installed."""
    try:
        from ai_edge_litert import schema_py_generated as generated
    except ImportError:
        return f"BUILTIN {code}"
    names: dict[int, str] = {value: key for key, value in vars(generated.BuiltinOperator).items() if isinstance(value, int)}
    return names.get(code, f"BUILTIN {code}")


def _indices(table: Table, field: int) -> tuple[int, ...]:
    vector = table.vector(field, "int32")
    return () if vector is None else tuple(vector.tolist())


def _operator(table: Table, position: int, kinds: list[str]) -> Op:
    index = table.scalar(0, "uint32", 0)
    if index >= len(kinds):
        raise UnsupportedModel(f"operator {position} has code index {index} of {len(kinds)}")
    kind = kinds[index]
    row = OPERATORS.get(kind) or variables.MARKERS.get(kind)
    options = None
    if row is not None and row.options is not None:
        present = table.scalar(3, "uint8", 0) == row.options_code
        options = schema.read_options(row.options, table.table(4) if present else None)
    return Op(kind, _indices(table, 1), _indices(table, 2), options, _indices(table, 8))


def _tensor(table: Table, index: int, buffers: list[Table]) -> Tensor:
    name = _abbreviated(table.text(3)) or f"tensor_{index}"
    code = table.scalar(1, "int8", 0)
    dtype = schema.TYPE_NAMES.get(code, f"type {code}")
    if dtype not in schema.TYPE_CODES and dtype != variables.RESOURCE:
        raise UnsupportedModel(f"tensor '{name}' has dtype {dtype}", "convert the model to full int8 quantization")
    shape = _indices(table, 0)
    if any(size < 0 for size in shape) or math.prod(max(size, 1) for size in shape) > _MOST_ELEMENTS or len(shape) > 8:
        raise UnsupportedModel(f"tensor '{name}' has the impossible shape {list(shape)}")
    if dtype == variables.RESOURCE:
        return Tensor(name, shape, dtype, source=index)
    data = _data(table, name, shape, dtype, buffers)
    if dtype == "int4" and data is None:
        raise UnsupportedModel(f"tensor '{name}' is int4 and no constant", "only weights may be int4")
    return Tensor(name, shape, dtype, _quantization(table.table(4), name, shape), data, index)


def _data(table: Table, name: str, shape: tuple[int, ...], dtype: str, buffers: list[Table]) -> Array | None:
    index = table.scalar(2, "uint32", 0)
    if index == 0:
        return None
    if index >= len(buffers):
        raise UnsupportedModel(f"tensor '{name}' has buffer {index} of {len(buffers)}")
    if buffers[index].scalar(1, "uint64", 0) > 1:
        raise UnsupportedModel(f"tensor '{name}' keeps its data outside the FlatBuffer", "save the model under 2 GB")
    raw = buffers[index].vector(0, "uint8")
    if raw is None or raw.size == 0:
        return None
    elements = math.prod(shape)
    if raw.size != ((elements + 1) // 2 if dtype == "int4" else elements * ITEM_BYTES[dtype]):
        raise UnsupportedModel(f"tensor '{name}' {dtype}{list(shape)} has {raw.size} bytes of data")
    if dtype == "int4":
        return nibbles.unpack(raw, elements).reshape(shape)
    return np.asarray(raw.view(np.dtype(dtype).newbyteorder("<")).reshape(shape), dtype)


def _quantization(table: Table | None, name: str, shape: tuple[int, ...]) -> Quant | None:
    if table is None:
        return None
    scales = table.vector(2, "float32")
    if scales is None or scales.size == 0:
        return None
    stored = table.vector(3, "int64")
    zero_points = np.zeros(scales.size, np.int64) if stored is None or stored.size == 0 else stored
    if zero_points.size == 1 and scales.size > 1:
        zero_points = np.repeat(zero_points, scales.size)
    if zero_points.size != scales.size:
        raise UnsupportedModel(f"tensor '{name}' has {scales.size} scales and {zero_points.size} zero points")
    if not np.all(np.isfinite(scales)) or np.any(scales <= 0):
        raise UnsupportedModel(f"tensor '{name}' has a scale that is not a positive number")
    if np.any(np.abs(zero_points) > 1 << 16):
        raise UnsupportedModel(f"tensor '{name}' has a zero point out of range")
    axis = table.scalar(6, "int32", 0)
    if scales.size > 1 and not (0 <= axis < len(shape) and shape[axis] == scales.size):
        raise UnsupportedModel(f"tensor '{name}' {list(shape)} has {scales.size} scales along axis {axis}")
    return Quant(tuple(scales.astype(float).tolist()), tuple(zero_points.tolist()), int(axis))
