"""SVDF: a dense layer of low rank over the last frames of a stream, which are its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling, stateful
from tinykd.compile.ops.activation import RELU
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

STATE_DTYPES = {"single": ("int16",), "double": ("int16", "int8")}
"""LiteRT's kernel reads every state as int16; TFLite Micro has one for int8 as well."""

_STATE = 4


@dataclass(frozen=True)
class SvdfOptions:
    rank: int = slot(0, "int32", 0)
    fused_activation: int = slot(1, "int8", 0)
    asymmetric_quantize_inputs: bool = slot(2, "bool", False)


@dataclass(frozen=True, eq=False)
class Svdf:
    """Integers of an SVDF.

    Attributes:
        feature_weights: [units * rank, inputs] int8.
        time_weights: [units * rank, memory] of the state's dtype.
        bias: [units] int32.
        feature, output: multiplier and shift of the state, and of the sum over it.
    """

    batches: int
    inputs: int
    units: int
    rank: int
    memory: int
    feature_weights: Array
    time_weights: Array
    bias: Array
    input_zero_point: int
    output_zero_point: int
    feature: tuple[int, int]
    output: tuple[int, int]


def lower(graph: Graph, op: Op, rounding: Rounding) -> Svdf:
    """Source: LiteRT `svdf::Prepare`: both effective scales are float32."""
    requirements.counts(graph, op, (5,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    state = stateful.state(graph, op, _STATE)
    if state.dtype == "int8" and rounding == "single":
        raise UnsupportedModel(
            f"{graph.label(op)}: LiteRT's kernel reads the int8 state '{state.name}' as int16, its integers mean nothing",
            "use --rounding double, which equals TFLite Micro",
        )
    state_quant = requirements.quantized(graph, op, state, STATE_DTYPES[rounding])
    if state_quant.zero_point:
        raise UnsupportedModel(f"{graph.label(op)}: the state '{state.name}' has zero point {state_quant.zero_point}, not 0")
    feature, time = requirements.present(graph, op, 1), requirements.present(graph, op, 2)
    for tensor in (source, feature, time):
        requirements.rank(graph, op, tensor, 2)
    (batches, inputs), (filters, memory), rank = source.shape, time.shape, op.options.rank
    if rank < 1 or filters % rank:
        raise UnsupportedModel(f"{graph.label(op)} has {filters} filters for rank {rank}")
    if op.options.fused_activation != RELU:
        raise UnsupportedModel(f"{graph.label(op)} has another activation than ReLU, which LiteRT refuses")
    units = filters // rank
    requirements.shaped(graph, op, feature, (filters, inputs))
    requirements.shaped(graph, op, state, (batches, filters * memory))
    requirements.shaped(graph, op, result, (batches, units))
    feature_weights, feature_quant = _weights(graph, op, feature, "int8")
    time_weights, time_quant = _weights(graph, op, time, state.dtype)
    bias = requirements.bias(graph, op, requirements.optional(graph, op, 3), units)
    feature_scale = _multiplier(incoming, feature_quant, state_quant)
    output_scale = _multiplier(state_quant, time_quant, outgoing)
    magnitudes = np.abs(feature_weights.astype(np.int64)).sum(1)
    requirements.accumulators_fit(graph, op, magnitudes, np.zeros(filters), np.full(filters, feature_scale[1]))
    if output_scale[1] >= 0:  # a sum that wrapped may be any int32; halved, it leaves room for the zero point
        over_time = np.abs(time_weights.astype(np.int64)).reshape(units, -1).sum(1)
        requirements.accumulators_fit(graph, op, over_time, bias, np.full(units, output_scale[1]), -int(np.iinfo(state.dtype).min))
    return Svdf(
        batches=batches,
        inputs=inputs,
        units=units,
        rank=rank,
        memory=memory,
        feature_weights=feature_weights,
        time_weights=time_weights,
        bias=bias,
        input_zero_point=incoming.zero_point,
        output_zero_point=outgoing.zero_point,
        feature=feature_scale,
        output=output_scale,
    )


def _weights(graph: Graph, op: Op, tensor: Tensor, dtype: str) -> tuple[Array, Quant]:
    data = requirements.constant(graph, op, tensor, (dtype,))
    quant = requirements.quantized(graph, op, tensor, (dtype,))
    if quant.zero_point:
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' are not symmetrically quantized", requirements.QUANTIZE_HINT)
    return data, quant


def _multiplier(one: Quant, other: Quant, result: Quant) -> tuple[int, int]:
    return quantize_multiplier(float(np.float32(one.scale) * np.float32(other.scale) / np.float32(result.scale)))


def reference(p: Svdf, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x, state = inputs
    limits, filters = np.iinfo(state.dtype), p.units * p.rank
    features = (x.astype(np.int64) - p.input_zero_point) @ p.feature_weights.astype(np.int64).T
    newest = np.clip(requantize(features, *p.feature), limits.min, limits.max)
    past = state.reshape(p.batches, filters, p.memory)[..., 1:]
    current = np.concatenate([past.astype(np.int64), newest[..., None]], 2)
    sums = (current * p.time_weights).reshape(p.batches, p.units, -1).sum(2) + p.bias
    scaled = requantize(sums.astype(np.int32), *p.output) + p.output_zero_point
    return np.clip(scaled, -128, 127).astype(np.int8), current.reshape(state.shape).astype(state.dtype)


def call(p: Svdf) -> Call:
    suffix = "s16" if p.time_weights.dtype == np.int16 else "s8"
    return Call(
        function=f"tinykd_svdf_s8_{suffix}",
        struct="tinykd_svdf",
        fields={
            "batches": p.batches,
            "inputs": p.inputs,
            "units": p.units,
            "rank": p.rank,
            "memory": p.memory,
            "feature_weights": Table("int8_t", p.feature_weights),
            "time_weights": Table(f"{p.time_weights.dtype.name}_t", p.time_weights),
            "bias": Table("int32_t", p.bias),
            "input_zero_point": p.input_zero_point,
            "output_zero_point": p.output_zero_point,
            "feature_multiplier": p.feature[0],
            "feature_shift": p.feature[1],
            "output_multiplier": p.output[0],
            "output_shift": p.output[1],
        },
        source=f"svdf_{suffix}.c",
        states=(_STATE,),
    )


def macs(p: Svdf) -> int:
    return p.batches * p.units * p.rank * (p.inputs + p.memory)


def case_of(rng: np.random.Generator, dtype: str) -> Case:
    """A case with a state of `dtype`; one in four with weights so large that sums of int16 wrap."""
    batches, inputs, units, rank, memory = (int(rng.integers(1, most)) for most in (3, 9, 5, 4, 7))
    filters, largest = units * rank, int(np.iinfo(dtype).max)
    incoming, outgoing = sampling.quant(rng), sampling.quant(rng)
    x = [(sampling.int8(rng, (batches, inputs)),) for _ in range(memory + 2)]
    feature_quant, spread = Quant((0.01,), (0,)), float(rng.choice([0.3, 1.0, 4.0]))
    state_quant = sampling.with_scale(feature_quant, incoming.scale * 0.01 * 128 * 70 * np.sqrt(inputs) * spread / largest)
    time_limit = largest if rng.random() < 0.25 else max(largest // 8, 1)
    time_quant = sampling.with_scale(feature_quant, 1 / largest)
    product = state_quant.scale * time_quant.scale
    reach = min(largest * time_limit * np.sqrt(rank * memory) / 4, 2.0**30)
    outgoing = sampling.with_scale(outgoing, product * reach / 128)
    bias = rng.integers(-int(reach), int(reach) + 1, units).astype(np.int32)
    tensors = [
        Tensor("input", (batches, inputs), "int8", incoming),
        Tensor("feature", (filters, inputs), "int8", feature_quant, sampling.int8(rng, (filters, inputs), -127)),
        Tensor("time", (filters, memory), dtype, time_quant, rng.integers(-time_limit, time_limit + 1, (filters, memory)).astype(dtype)),
        Tensor("bias", (units,), "int32", sampling.with_scale(feature_quant, product), bias),
        Tensor("state", (batches, filters * memory), dtype, state_quant),
        Tensor("output", (batches, units), "int8", outgoing),
    ]
    listed = (0, 1, 2, 3 if rng.random() < 0.8 else -1, 4)
    return stateful.case("SVDF", SvdfOptions(rank, RELU), tensors, listed, (5,), (4,), x)


def cases(rng: np.random.Generator) -> Case:
    return case_of(rng, "int16")


OPERATOR = Operator(
    kind="SVDF",
    code=27,
    options_code=6,
    options=SvdfOptions,
    summary="low-rank layer over the last frames; state of int16, with double rounding also int8",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
