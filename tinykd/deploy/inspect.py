"""Look into a model: what each operator of the file becomes, and what it costs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import Constants, collect
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops.operator import AnyOperator, Call, Operator, Table, View
from tinykd.compile.passes import GRAPH_PASSES, PROGRAM_PASSES, chosen
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import Layer, Program, lower_layer
from tinykd.errors import UnsupportedModel
from tinykd.report.inspection import InspectedLayer, InspectedTensor, Inspection


@dataclass(frozen=True)
class Refused:
    """Stands where a refused operator's integers would be."""

    reason: str
    hint: str


@dataclass(frozen=True)
class _Change:
    """A pass did something to the operator that writes `output`; `into` is the output that its work now belongs to."""

    output: int
    name: str
    into: int | None
    constant: bool = False


def inspect(graph: Graph, rounding: Rounding = "single", *, without: Collection[str] = (), with_also: Collection[str] = ()) -> Inspection:
    """Compile `graph` as export does and say what became of each operator; refused ones are reported in place.

    Args:
        without, with_also: passes to leave out or to add, by name.

    Raises:
        UsageError: no pass has that name.
    """
    names = chosen(without, with_also)
    changes: list[_Change] = []
    rewritten = graph
    for name, graph_pass in GRAPH_PASSES.items():
        if name in names:
            after = graph_pass.apply(rewritten)
            changes += _graph_changes(name, rewritten, after)
            rewritten = after
    program = _lowered(rewritten, rounding)
    for name, program_pass in PROGRAM_PASSES.items():
        if name in names:
            later = program_pass.apply(program)
            changes += _program_changes(name, program, later)
            program = later
    memory, constants = plan(program), collect(program, Names(graph.name))
    found = {layer.op.outputs[0]: layer for layer in program.layers if layer.op.outputs}
    layers = tuple(_layer(graph, k, op, found, changes, constants, memory.live) for k, op in enumerate(graph.ops))
    return Inspection(
        model=graph.name,
        model_sha256=graph.model_sha256,
        model_bytes=graph.model_bytes,
        rounding=rounding,
        passes=names,
        inputs=tuple(_tensor(graph, i) for i in graph.inputs),
        outputs=tuple(_tensor(graph, i) for i in graph.outputs),
        macs=program.macs,
        weights_bytes=constants.bytes,
        arena_bytes=memory.arena_bytes,
        arena_lower_bound_bytes=memory.lower_bound,
        layers=layers,
    )


def check(inspection: Inspection) -> None:
    """Raise what export would raise.

    Raises:
        UnsupportedModel: an operator is refused.
    """
    refused = inspection.refused
    if refused:
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise UnsupportedModel(f"{refused[0].why}{more}", refused[0].hint)


def _lowered(graph: Graph, rounding: Rounding) -> Program:
    """The program, with a stand-in for each refused operator so that the rest can be planned and shown."""
    layers = []
    for index, op in enumerate(graph.ops):
        try:
            layers.append(lower_layer(graph, index, op, rounding))
        except UnsupportedModel as error:
            layers.append(_stand_in(graph, index, op, Refused(error.message, error.hint)))
    return Program(graph, rounding, tuple(layers))


def _never(*_: Any) -> NoReturn:
    raise AssertionError("a refused operator is never computed")


def _stand_in(graph: Graph, index: int, op: Op, refusal: Refused) -> Layer:
    inputs = tuple(k for k, i in enumerate(op.inputs) if i >= 0 and not graph.tensors[i].is_constant)
    call = Call(function="", struct="", fields={}, source="", inputs=inputs)
    row: AnyOperator = Operator(op.kind, -1, 0, None, "", _never, _never, _never, _never, _never)
    return Layer(index, op, row, refusal, call, 0)


def _graph_changes(name: str, before: Graph, after: Graph) -> list[_Change]:
    kept = {i for op in after.ops for i in op.outputs}
    changes = []
    for op in before.ops:
        if op.outputs and op.outputs[0] not in kept:
            changes.append(_Change(op.outputs[0], name, None, after.tensors[op.outputs[0]].is_constant))
    return changes


def _program_changes(name: str, before: Program, after: Program) -> list[_Change]:
    kept = {layer.op.outputs[0]: layer for layer in after.layers if layer.op.outputs}
    readers = {i: layer.op.outputs[0] for layer in reversed(before.layers) for i in layer.op.inputs if layer.op.outputs}
    changes = []
    for layer in before.layers:
        output = layer.op.outputs[0] if layer.op.outputs else -1
        now = kept.get(output)
        if now is None:
            into: int | None = readers.get(output)
            while into is not None and into not in kept:
                into = readers.get(into)
            changes.append(_Change(output, name, into))
        elif now.call is not layer.call:
            changes.append(_Change(output, name, output))
    return changes


def _layer(
    graph: Graph,
    index: int,
    op: Op,
    found: dict[int, Layer],
    changes: list[_Change],
    constants: Constants,
    live: tuple[int, ...],
) -> InspectedLayer:
    output = op.outputs[0] if op.outputs else -1
    mine = [change for change in changes if change.output == output]
    layer = found.get(output)
    common: dict[str, Any] = {
        "index": index,
        "operator": op.kind,
        "name": graph.tensors[output].name if output >= 0 else "",
        "inputs": tuple(_tensor(graph, i) for i in op.inputs if i >= 0),
        "outputs": tuple(_tensor(graph, i) for i in op.outputs),
        "passes": tuple(change.name for change in mine),
        "hint": "",
    }
    if layer is None:
        last = mine[-1]
        gone: dict[str, Any] = {"kernel": "", "macs": 0, "weights_bytes": 0, "arena_bytes": None}
        if last.constant:
            return InspectedLayer(**common, **gone, fate="constant", why="its inputs are constants: computed at export")
        if last.into is None:
            return InspectedLayer(**common, **gone, fate="removed", why="nothing reads what it computes")
        return InspectedLayer(**common, **gone, fate="merged", why=f"its work is done by {_named(graph, _heir(last.into, changes))}")
    arena = live[layer.index]
    if isinstance(layer.parameters, Refused):
        refusal = layer.parameters
        return InspectedLayer(
            **{**common, "hint": refusal.hint},
            fate="refused",
            kernel="",
            why=refusal.reason,
            macs=0,
            weights_bytes=0,
            arena_bytes=arena,
        )
    call = layer.call
    if isinstance(call, View):
        why = "the bytes stay where they are: no code, no memory"
        return InspectedLayer(**common, fate="view", kernel="", why=why, macs=layer.macs, weights_bytes=0, arena_bytes=arena)
    return InspectedLayer(
        **common,
        fate="kernel",
        kernel=call.function,
        why=_why(op, layer, call),
        macs=layer.macs,
        weights_bytes=_table_bytes(layer, call, constants),
        arena_bytes=arena,
    )


def _why(op: Op, layer: Layer, call: Call) -> str:
    row = f"{layer.row.kind}: {layer.row.summary}" if layer.row.kind != op.kind else layer.row.summary
    scratch = f"; {layer.scratch:,} bytes of scratch" if layer.scratch else ""
    return f"{call.source}: {row}{scratch}"


def _heir(output: int, changes: list[_Change]) -> int:
    """Where the work of `output` went in the end, when later passes moved it again."""
    for change in changes:
        if change.output == output and change.into is not None:
            output = change.into
    return output


def _named(graph: Graph, output: int) -> str:
    return next((graph.label(op) for op in graph.ops if output in op.outputs), f"'{graph.tensors[output].name}'")


def _table_bytes(layer: Layer, call: Call, constants: Constants) -> int:
    sizes = {constant.symbol: constant.bytes for constant in constants.listed}
    used = {constants.fields[layer.index, field] for field, value in call.fields.items() if isinstance(value, Table)}
    used |= {constants.operands[i] for i in layer.passed if i in constants.operands}
    return sum(sizes[symbol] for symbol in used)


def _tensor(graph: Graph, index: int) -> InspectedTensor:
    tensor: Tensor = graph.tensors[index]
    quant = tensor.quant
    return InspectedTensor(
        index=tensor.source,
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        scales=quant.scales if quant else (),
        zero_points=quant.zero_points if quant else (),
        axis=quant.axis if quant and quant.per_channel else None,
        constant_bytes=tensor.bytes if tensor.is_constant else 0,
    )
