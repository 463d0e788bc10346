"""Graph to `.tflite` bytes: the reader's inverse, so that LiteRT can judge any graph that we can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np

from tinykd.compile import nibbles, schema, variables
from tinykd.compile.graph import Graph, Op, Quant, State, Tensor
from tinykd.compile.ops import OPERATORS

_PREPEND = {
    "int8": "PrependInt8Slot",
    "uint8": "PrependUint8Slot",
    "bool": "PrependBoolSlot",
    "int32": "PrependInt32Slot",
    "uint32": "PrependUint32Slot",
    "float32": "PrependFloat32Slot",
}

_RESOURCE_KINDS = ("READ_VARIABLE", "ASSIGN_VARIABLE")
_RESOURCE_TYPE = 13

_VERSIONS = {"BROADCAST_TO": 2}
"""Operators whose first version LiteRT no longer registers."""


def write_model(graph: Graph) -> bytes:
    """Serialise a graph of table operators as a TensorFlow Lite model (schema version 3).

    States that READ_VARIABLE and ASSIGN_VARIABLE use become resource variables, the others variable tensors.
    """
    b = _Builder(1 << 16)
    resources = [state for state in graph.states if any(op.kind in _RESOURCE_KINDS and state.tensor in op.inputs for op in graph.ops)]
    starts = [Tensor(f"start_{state.tensor}", state.initial.shape, state.initial.dtype.name, data=state.initial) for state in resources]
    kinds = sorted({op.kind for op in graph.ops} | ({"ASSIGN_VARIABLE", *variables.MARKERS} if resources else set()))
    constants = [nibbles.pack(t.data) if t.dtype == "int4" else t.data for t in (*graph.tensors, *starts) if t.data is not None]
    buffers = [_table(b, [])] + [_table(b, [(0, "offset", _bytes(b, data))]) for data in constants]
    numbers = iter(range(1, len(buffers)))
    kept = {state.tensor for state in graph.states if state not in resources}
    tensors = [_tensor(b, t, next(numbers) if t.is_constant else 0, k in kept) for k, t in enumerate(graph.tensors)]
    handles = {state.tensor: len(graph.tensors) + k for k, state in enumerate(resources)}
    tensors += [_handle_tensor(b, state) for state in resources]
    ops = [_operator(b, Op("CALL_ONCE", (), (), variables.CallOnceOptions(1)), kinds)] if resources else []
    ops += [_operator(b, _handle(state, handles[state.tensor]), kinds) for state in resources]
    for op in graph.ops:
        known = handles if op.kind in _RESOURCE_KINDS else {}
        ops.append(_operator(b, replace(op, inputs=tuple(known.get(i, i) for i in op.inputs)), kinds))
    subgraphs = [_subgraph(b, tensors, graph.inputs, graph.outputs, ops)]
    if resources:
        subgraphs.append(_initialization(b, resources, [_tensor(b, start, next(numbers), False) for start in starts], kinds))
    codes = [_code(b, kind) for kind in kinds]
    root = _table(
        b,
        [
            (0, "uint32", schema.VERSION),
            (1, "offset", _offsets(b, codes)),
            (2, "offset", _offsets(b, subgraphs)),
            (4, "offset", _offsets(b, buffers)),
        ],
    )
    b.Finish(root, schema.IDENTIFIER)
    return bytes(b.Output())


def _subgraph(b: Any, tensors: list[int], inputs: Sequence[int], outputs: Sequence[int], ops: list[int]) -> int:
    return _table(
        b,
        [
            (0, "offset", _offsets(b, tensors)),
            (1, "offset", _array(b, inputs, np.int32)),
            (2, "offset", _array(b, outputs, np.int32)),
            (3, "offset", _offsets(b, ops)),
        ],
    )


def _code(b: Any, kind: str) -> int:
    row = variables.MARKERS.get(kind) or OPERATORS[kind]
    return _table(b, [(0, "int8", min(row.code, 127)), (2, "int32", _VERSIONS.get(kind, 1)), (3, "int32", row.code)])


def _initialization(b: Any, resources: list[State], starts: list[int], kinds: list[str]) -> int:
    """The subgraph that CALL_ONCE runs: each variable is assigned its first value."""
    count = len(resources)
    tensors = starts + [_handle_tensor(b, state) for state in resources]
    ops = []
    for k, state in enumerate(resources):
        ops += [_operator(b, _handle(state, count + k), kinds), _operator(b, Op("ASSIGN_VARIABLE", (count + k, k), ()), kinds)]
    return _subgraph(b, tensors, (), (), ops)


def _handle(state: State, index: int) -> Op:
    return Op("VAR_HANDLE", (), (index,), variables.VarHandleOptions("", f"variable_{state.tensor}"))


def _handle_tensor(b: Any, state: State) -> int:
    name = b.CreateSharedString(f"handle_{state.tensor}")
    return _table(b, [(0, "offset", _array(b, (), np.int32)), (1, "int8", _RESOURCE_TYPE), (2, "uint32", 0), (3, "offset", name)])


def _table(b: Any, fields: list[tuple[int, str, Any]]) -> int:
    b.StartObject(max((number for number, _, _ in fields), default=-1) + 1)
    for number, kind, value in fields:
        if kind == "offset":
            b.PrependUOffsetTRelativeSlot(number, value, 0)
        else:
            getattr(b, _PREPEND[kind])(number, value, None)
    return int(b.EndObject())


class _Builder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes equal vectors once. Per-channel zero points, eight bytes each and all 0, are a third of a small model's file otherwise."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.written: dict[tuple[str, bytes], int] = {}


def _array(b: _Builder, values: Any, dtype: Any) -> int:
    array = np.asarray(values, dtype)
    key = (array.dtype.str, array.tobytes())
    if key not in b.written:
        b.written[key] = int(b.CreateNumpyVector(array))
    return b.written[key]


def _bytes(b: Any, data: Any) -> int:
    raw = np.ascontiguousarray(data).tobytes()
    b.StartVector(1, len(raw), 16)
    b.head -= len(raw)
    b.Bytes[b.head : b.head + len(raw)] = raw
    return int(b.EndVector())


def _offsets(b: Any, offsets: list[int]) -> int:
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return int(b.EndVector())


def _quantization(b: Any, quant: Quant) -> int:
    scales, zero_points = _array(b, quant.scales, np.float32), _array(b, quant.zero_points, np.int64)
    return _table(b, [(2, "offset", scales), (3, "offset", zero_points), (6, "int32", quant.axis)])


def _tensor(b: Any, tensor: Tensor, buffer: int, variable: bool) -> int:
    fields = [
        (0, "offset", _array(b, tensor.shape, np.int32)),
        (1, "int8", schema.TYPE_CODES[tensor.dtype]),
        (2, "uint32", buffer),
        (3, "offset", b.CreateSharedString(tensor.name)),
    ]
    if variable:
        fields.append((5, "bool", True))
    if tensor.quant is not None:
        fields.append((4, "offset", _quantization(b, tensor.quant)))
    return _table(b, fields)


def _operator(b: Any, op: Op, kinds: list[str]) -> int:
    fields = [
        (0, "uint32", kinds.index(op.kind)),
        (1, "offset", _array(b, op.inputs, np.int32)),
        (2, "offset", _array(b, op.outputs, np.int32)),
    ]
    row = variables.MARKERS.get(op.kind) or OPERATORS[op.kind]
    if row.options is not None:
        fields += [(3, "uint8", row.options_code), (4, "offset", _options(b, op.options))]
    if op.intermediates:
        fields.append((8, "offset", _array(b, op.intermediates, np.int32)))
    return _table(b, fields)


def _options(b: Any, options: Any) -> int:
    fields = []
    for field in schema.slots(options):
        number, kind, value = field.metadata["slot"], field.metadata["kind"], getattr(options, field.name)
        if kind == "text":
            fields.append((number, "offset", b.CreateSharedString(value)))
            continue
        vector = kind.startswith("[")
        fields.append((number, "offset" if vector else kind, _array(b, value, kind[1:-1]) if vector else value))
    return _table(b, fields)
