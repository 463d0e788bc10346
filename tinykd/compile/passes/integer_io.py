"""Integers at the ends: without the QUANTIZE and DEQUANTIZE there, the firmware takes and gives what the network computes with.

TensorFlow calls it `inference_input_type`. A float32 input takes four times the memory of an int8 one, and a front end on a
microcontroller makes integers anyway; scale and zero point stand in the header. An input that something else reads too, or
that two operators quantize differently, stays as it is; so does an output that something else reads, or that is an input.
"""

from __future__ import annotations

from dataclasses import replace

from tinykd.compile.graph import Graph, Op

_INTEGERS = ("int8", "int16")
_LAST = ("DEQUANTIZE", "QUANTIZE")


def apply(graph: Graph) -> Graph:
    """float32 (and, of older models, uint8) inputs and outputs become the int8 or int16 beside them, in the same order."""
    inputs = {op.inputs[0]: op.outputs[0] for op in graph.ops if _enters(graph, op)}
    outputs = {op.outputs[0]: op.inputs[0] for op in graph.ops if _leaves(graph, op)}
    dropped = {*inputs.values(), *outputs}
    return replace(
        graph,
        ops=tuple(op for op in graph.ops if not dropped.intersection(op.outputs)),
        inputs=tuple(inputs.get(i, i) for i in graph.inputs),
        outputs=tuple(outputs.get(i, i) for i in graph.outputs),
    )


def _enters(graph: Graph, op: Op) -> bool:
    if op.kind != "QUANTIZE" or op.inputs[0] not in graph.inputs or op.outputs[0] in graph.outputs:
        return False
    alone = _reads(graph, op.inputs[0]) == 1 and graph.inputs.count(op.inputs[0]) == 1 and op.inputs[0] not in graph.outputs
    return alone and _same_numbers(graph, outer=op.inputs[0], inner=op.outputs[0])


def _leaves(graph: Graph, op: Op) -> bool:
    if op.kind not in _LAST or op.outputs[0] not in graph.outputs:
        return False
    outer, inner = op.outputs[0], op.inputs[0]
    computed = any(inner in other.outputs and not _enters(graph, other) for other in graph.ops)
    alone = _reads(graph, outer) == 0 and graph.outputs.count(outer) == 1
    twins = sum(other.outputs[0] in graph.outputs for other in graph.ops if other.kind in _LAST and other.inputs[0] == inner)
    return computed and alone and twins == 1 and inner not in graph.outputs and _same_numbers(graph, outer, inner)


def _reads(graph: Graph, index: int) -> int:
    return sum(op.inputs.count(index) for op in graph.ops)


def _same_numbers(graph: Graph, outer: int, inner: int) -> bool:
    """Whether `outer` says the same numbers as the integers `inner`: as reals, or as integers 128 higher."""
    out, kept = graph.tensors[outer], graph.tensors[inner]
    if kept.dtype not in _INTEGERS or kept.quant is None or kept.quant.per_channel:
        return False
    if out.dtype == "float32":
        return True
    shifted = out.dtype == "uint8" and kept.dtype == "int8" and out.quant is not None and not out.quant.per_channel
    return shifted and out.quant is not None and (out.quant.scale, out.quant.zero_point - 128) == (kept.quant.scale, kept.quant.zero_point)
