"""Graph to `.tflite` bytes: the reader's inverse, so that LiteRT can judge any graph that we can hold."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np

from tinykd.compile import nibbles, schema
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops import OPERATORS

_PREPEND = {
    "int8": "PrependInt8Slot",
    "uint8": "PrependUint8Slot",
    "bool": "PrependBoolSlot",
    "int32": "PrependInt32Slot",
    "uint32": "PrependUint32Slot",
    "float32": "PrependFloat32Slot",
}

_VERSIONS = {"BROADCAST_TO": 2}
"""Operators whose first version LiteRT no longer registers."""


def write_model(graph: Graph) -> bytes:
    """Serialise a graph of table operators as a TensorFlow Lite model (schema version 3)."""
    b = flatbuffers.Builder(1 << 16)
    kinds = sorted({op.kind for op in graph.ops})
    constants = [nibbles.pack(t.data) if t.dtype == "int4" else t.data for t in graph.tensors if t.data is not None]
    buffers = [_table(b, [])] + [_table(b, [(0, "offset", _bytes(b, data))]) for data in constants]
    numbers = iter(range(1, len(buffers)))
    states = {state.tensor for state in graph.states}
    tensors = [_tensor(b, t, next(numbers) if t.is_constant else 0, k in states) for k, t in enumerate(graph.tensors)]
    ops = [_operator(b, op, kinds.index(op.kind)) for op in graph.ops]
    subgraph = _table(
        b,
        [
            (0, "offset", _offsets(b, tensors)),
            (1, "offset", _array(b, graph.inputs, np.int32)),
            (2, "offset", _array(b, graph.outputs, np.int32)),
            (3, "offset", _offsets(b, ops)),
        ],
    )
    codes = [
        _table(b, [(0, "int8", min(OPERATORS[k].code, 127)), (2, "int32", _VERSIONS.get(k, 1)), (3, "int32", OPERATORS[k].code)])
        for k in kinds
    ]
    root = _table(
        b,
        [
            (0, "uint32", schema.VERSION),
            (1, "offset", _offsets(b, codes)),
            (2, "offset", _offsets(b, [subgraph])),
            (4, "offset", _offsets(b, buffers)),
        ],
    )
    b.Finish(root, schema.IDENTIFIER)
    return bytes(b.Output())


def _table(b: Any, fields: list[tuple[int, str, Any]]) -> int:
    b.StartObject(max((number for number, _, _ in fields), default=-1) + 1)
    for number, kind, value in fields:
        if kind == "offset":
            b.PrependUOffsetTRelativeSlot(number, value, 0)
        else:
            getattr(b, _PREPEND[kind])(number, value, None)
    return int(b.EndObject())


def _array(b: Any, values: Any, dtype: Any) -> int:
    return int(b.CreateNumpyVector(np.asarray(values, dtype)))


def _bytes(b: Any, data: Any) -> int:
    raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
    b.StartVector(1, raw.size, 16)
    b.head -= raw.size
    b.Bytes[b.head : b.head + raw.size] = raw.tobytes()
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
        (3, "offset", b.CreateString(tensor.name)),
    ]
    if variable:
        fields.append((5, "bool", True))
    if tensor.quant is not None:
        fields.append((4, "offset", _quantization(b, tensor.quant)))
    return _table(b, fields)


def _operator(b: Any, op: Op, code: int) -> int:
    fields = [
        (0, "uint32", code),
        (1, "offset", _array(b, op.inputs, np.int32)),
        (2, "offset", _array(b, op.outputs, np.int32)),
    ]
    row = OPERATORS[op.kind]
    if row.options is not None:
        fields += [(3, "uint8", row.options_code), (4, "offset", _options(b, op.options))]
    if op.intermediates:
        fields.append((8, "offset", _array(b, op.intermediates, np.int32)))
    return _table(b, fields)


def _options(b: Any, options: Any) -> int:
    fields = []
    for field in schema.slots(options):
        number, kind, value = field.metadata["slot"], field.metadata["kind"], getattr(options, field.name)
        vector = kind.startswith("[")
        fields.append((number, "offset" if vector else kind, _array(b, value, kind[1:-1]) if vector else value))
    return _table(b, fields)
