"""Look into a model: what each operator of the file becomes, and what it costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import Constants, collect
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops.operator import AnyOperator, Call, Operator, Table, View
from tinykd.compile.passes import GRAPH_PASSES, PROGRAM_PASSES, chosen
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Layer, Program, lower_layer
from tinykd.compile.specialise import specialise
from tinykd.errors import UnsupportedModel
from tinykd.recipe.model import Export
from tinykd.report.inspection import InspectedLayer, InspectedTensor, Inspection


@dataclass(frozen=True)
class Refused:
    """Stands where a refused operator's integers would be."""

    reason: str
    hint: str


@dataclass(frozen=True)
class _Change:
    """A pass did something to an operator.

    Attributes:
        operator: see `_key`.
        name: of the pass.
        into: the operator that its work now belongs to, itself if it was only changed, None if it is gone.
        constant: its output is computed at export.
    """

    operator: int
    name: str
    into: int | None
    constant: bool = False


def inspect(
    graph: Graph,
    rounding: Rounding = "single",
    *,
    features: Collection[str] = (),
    without: Collection[str] = (),
    with_also: Collection[str] = (),
) -> Inspection:
    """Compile `graph` as export does and say what became of each operator; refused ones are reported in place.

    Args:
        features: what kernels may use of the core, the fastest first; none shows the portable kernels.
        without, with_also: passes to leave out or to add, by name.

    Raises:
        UsageError: no pass has that name.
    """
    names = chosen(without, with_also)
    changes: list[_Change] = []
    refusals: dict[int, Refused] = {}
    rewritten = graph
    for name, graph_pass in GRAPH_PASSES.items():
        if name in names:
            try:
                after = graph_pass.apply(rewritten)
            except UnsupportedModel as error:
                refusals |= _blamed(rewritten, error)
                continue
            changes += _graph_changes(name, rewritten, after)
            rewritten = after
    program = _lowered(rewritten, rounding, refusals)
    for name, program_pass in PROGRAM_PASSES.items():
        if name in names:
            later = program_pass.apply(program)
            changes += _program_changes(name, program, later)
            program = later
    program = specialise(program, features)
    memory, constants = plan_for(program, Export().optimize), collect(program, Names(graph.name))
    costs = _Costs(program, changes, constants, memory.live)
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
        layers=(*(_layer(graph, k, op, costs) for k, op in enumerate(graph.ops)), *_added(graph, costs)),
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


def _key(graph: Graph, op: Op) -> int:
    """What identifies an operator through all rewrites: the number, in the file, of the tensor that it is known by.

    Variables are no tensors of the file; they are told apart by negative numbers.
    """
    if op.subject < 0:
        return -1
    source = graph.tensors[op.subject].source
    return source if source >= 0 else -2 - op.subject


def _blamed(graph: Graph, error: UnsupportedModel) -> dict[int, Refused]:
    """The refusal of a whole pass, laid at the operator that its message starts with.

    Raises:
        UnsupportedModel: `error` itself, if it names none.
    """
    found = {_key(graph, op): Refused(error.message, error.hint) for op in graph.ops if error.message.startswith(graph.label(op))}
    if not found:
        raise error
    return found


def _lowered(graph: Graph, rounding: Rounding, refusals: Mapping[int, Refused]) -> Program:
    """The program, with a stand-in for each refused operator so that the rest can be planned and shown."""
    layers = []
    for index, op in enumerate(graph.ops):
        known = refusals.get(_key(graph, op))
        try:
            layers.append(lower_layer(graph, index, op, rounding) if known is None else _stand_in(graph, index, op, known))
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


def _first(graph: Graph, ops: Iterable[Op]) -> dict[int, Op]:
    """Operators by key; a copy that a rewrite put behind an operator comes later and does not replace it."""
    found: dict[int, Op] = {}
    for op in ops:
        found.setdefault(_key(graph, op), op)
    return found


def _graph_changes(name: str, before: Graph, after: Graph) -> list[_Change]:
    kept = _first(after, after.ops)
    changes = []
    for key, op in _first(before, before.ops).items():
        now = kept.get(key)
        if now is None:
            changes.append(_Change(key, name, None, bool(op.outputs) and after.tensors[op.outputs[0]].is_constant))
        elif (now.kind, now.options) != (op.kind, op.options) or after.tensors[now.subject].dtype != before.tensors[op.subject].dtype:
            changes.append(_Change(key, name, key))
    return changes


def _by_key(program: Program) -> dict[int, Layer]:
    found: dict[int, Layer] = {}
    for layer in program.layers:
        found.setdefault(_key(program.graph, layer.op), layer)
    return found


def _program_changes(name: str, before: Program, after: Program) -> list[_Change]:
    kept = _by_key(after)
    readers = {i: layer for layer in reversed(before.layers) for i in layer.op.inputs}
    changes = []
    for key, layer in _by_key(before).items():
        now = kept.get(key)
        if now is None:
            heir: Layer | None = layer
            while heir is not None and _key(before.graph, heir.op) not in kept:
                heir = readers.get(heir.op.outputs[0]) if heir.op.outputs else None
            changes.append(_Change(key, name, None if heir is None else _key(before.graph, heir.op)))
        elif now.call is not layer.call:
            changes.append(_Change(key, name, key))
    return changes


class _Costs:
    """What is known of each operator once everything is rewritten and planned."""

    def __init__(self, program: Program, changes: list[_Change], constants: Constants, live: tuple[int, ...]) -> None:
        self.program, self.changes, self.live = program, changes, live
        self.layers = _by_key(program)
        self._constants = constants
        self._bytes = {constant.symbol: constant.bytes for constant in constants.listed}

    def table_bytes(self, layer: Layer, call: Call) -> int:
        """Bytes of the tables that one call reads, each counted once."""
        used = {self._constants.fields[layer.index, field] for field, value in call.fields.items() if isinstance(value, Table)}
        used |= {self._constants.operands[i] for i in layer.passed if i in self._constants.operands}
        return sum(self._bytes[symbol] for symbol in used)

    def heir(self, operator: int) -> int:
        """Where the work of `operator` went in the end, when later passes moved it again."""
        for change in self.changes:
            if change.operator == operator and change.into is not None:
                operator = change.into
        return operator


_NOTHING: dict[str, Any] = {"kernel": "", "hint": "", "macs": 0, "weights_bytes": 0, "arena_bytes": None}


def _layer(graph: Graph, index: int, op: Op, costs: _Costs) -> InspectedLayer:
    """What became of operator number `index` of the file."""
    key = _key(graph, op)
    mine = [change for change in costs.changes if change.operator == key]
    seen = _seen(graph, index, op, tuple(change.name for change in mine))
    layer = costs.layers.get(key)
    if layer is not None:
        return InspectedLayer(**seen, **_fate(op, layer, costs))
    if mine and mine[-1].constant:
        return InspectedLayer(**seen, **_NOTHING, fate="constant", why="its inputs are constants: computed at export")
    if not mine or mine[-1].into is None:
        return InspectedLayer(**seen, **_NOTHING, fate="removed", why="nothing reads what it computes")
    heir = costs.heir(key)
    name = next((graph.label(other) for other in graph.ops if _key(graph, other) == heir), "another operator")
    return InspectedLayer(**seen, **_NOTHING, fate="merged", why=f"its work is done by {name}")


def _added(graph: Graph, costs: _Costs) -> Iterator[InspectedLayer]:
    """Operators that the file does not have."""
    known = {_key(graph, op) for op in graph.ops}
    for layer in costs.program.layers:
        key = _key(costs.program.graph, layer.op)
        if key not in known or costs.layers[key] is not layer:
            yield InspectedLayer(**_seen(costs.program.graph, None, layer.op, ()), **_fate(layer.op, layer, costs))


def _seen(graph: Graph, index: int | None, op: Op, passes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of an InspectedLayer that the operator alone says."""
    return {
        "index": index,
        "operator": op.kind,
        "name": graph.tensors[op.subject].name if op.subject >= 0 else "",
        "inputs": tuple(_tensor(graph, i) for i in op.inputs if i >= 0),
        "outputs": tuple(_tensor(graph, i) for i in op.outputs),
        "passes": passes,
    }


def _fate(op: Op, layer: Layer, costs: _Costs) -> dict[str, Any]:
    """The fields that say what runs for `op`, and what it costs."""
    call, common = layer.call, {**_NOTHING, "arena_bytes": costs.live[layer.index], "macs": layer.macs}
    if isinstance(layer.parameters, Refused):
        return {**common, "fate": "refused", "why": layer.parameters.reason, "hint": layer.parameters.hint}
    if isinstance(call, View):
        return {**common, "fate": "view", "why": "the bytes stay where they are: no code, no memory"}
    row = f"{layer.row.kind}: {layer.row.summary}" if layer.row.kind != op.kind else layer.row.summary
    scratch = f"; {layer.scratch:,} bytes of scratch" if layer.scratch else ""
    why = f"{call.source}: {row}{scratch}{_lost(layer, costs.program)}"
    return {**common, "fate": "kernel", "kernel": call.function, "why": why, "weights_bytes": costs.table_bytes(layer, call)}


def _lost(layer: Layer, program: Program) -> str:
    """What the output lost of its channels."""
    reduced = program.tensor(layer.op.subject).reduced
    return "" if reduced is None else f"; {len(reduced.kept)} of {reduced.channels} channels"


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
