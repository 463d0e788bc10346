"""Compare two models, two runs, or two reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.deploy.inspect import inspect
from tinykd.deploy.source import MANIFEST, STUDENT, Source, open_source
from tinykd.errors import UsageError
from tinykd.report.difference import Difference, OperatorDifference, Quantity, Unit, WeightsDifference
from tinykd.report.inspection import Inspection
from tinykd.report.run import RunReport, open_report


@dataclass(frozen=True, eq=False)
class Side:
    """What is known at one path: a model, a report, or both."""

    path: Path
    source: Source | None
    report: RunReport | None


def open_side(path: Path) -> Side:
    """A `.json` is a report, a folder a run or an export with or without a report, anything else a model.

    Raises:
        UsageError: there is nothing of the kind.
        UnsupportedModel: the model cannot be read.
    """
    if path.suffix == ".json":
        return Side(path, None, open_report(path))
    if not path.is_dir():
        return Side(path, open_source(path), None)
    source = open_source(path) if (path / STUDENT).exists() or (path / MANIFEST).exists() else None
    try:
        report: RunReport | None = open_report(path)
    except UsageError:
        if source is None:
            raise
        report = None
    return Side(path, source, report)


def diff(old: Side, new: Side) -> Difference:
    """Everything that both sides know.

    Raises:
        UsageError: one side is a model and the other a report alone.
    """
    if (old.source is None or new.source is None) and (old.report is None or new.report is None):
        raise UsageError(f"{old.path} and {new.path} have nothing to compare in common", "give two models, two runs or two report.json")
    quantities = [*_measured(old.report, new.report)] if old.report is not None and new.report is not None else []
    if old.source is None or new.source is None:
        return Difference(old=str(old.path), new=str(new.path), quantities=tuple(quantities), compared_models=False, same_model=None)
    operators, weights = compare_graphs(old.source.graph, new.source.graph)
    known = {quantity.name for quantity in quantities}
    computed = _computed(_inspected(old.source), _inspected(new.source))
    return Difference(
        old=str(old.path),
        new=str(new.path),
        quantities=(*quantities, *(quantity for quantity in computed if quantity.name not in known)),
        operators=operators,
        weights=weights,
        compared_models=True,
        same_model=old.source.model == new.source.model,
    )


def _inspected(source: Source) -> Inspection:
    settings = source.settings
    return inspect(source.graph, settings.rounding, without=settings.without, with_also=settings.also)


_COMPUTED: tuple[tuple[str, Unit, Callable[[Inspection], int]], ...] = (
    ("operators", "operators", lambda i: sum(layer.index is not None for layer in i.layers)),
    ("refused operators", "operators", lambda i: len(i.refused)),
    ("MACs", "MACs", lambda i: i.macs),
    ("weights", "bytes", lambda i: i.weights_bytes),
    ("arena", "bytes", lambda i: i.arena_bytes),
    (".tflite", "bytes", lambda i: i.model_bytes),
)
"""What a model says by itself: name, unit, value."""


def _computed(old: Inspection, new: Inspection) -> Iterator[Quantity]:
    for name, unit, value in _COMPUTED:
        yield Quantity(name=name, unit=unit, old=value(old), new=value(new))


_MEASURED: tuple[tuple[str, Unit, tuple[str, ...]], ...] = (
    ("accuracy, teacher", "fraction", ("distillation", "accuracy", "teacher")),
    ("accuracy, baseline", "fraction", ("distillation", "accuracy", "baseline")),
    ("accuracy, student", "fraction", ("distillation", "accuracy", "student")),
    ("accuracy, int8", "fraction", ("distillation", "accuracy", "int8")),
    ("accuracy on target", "fraction", ("verification", "accuracy")),
    ("parameters of the student", "parameters", ("distillation", "parameters", "student")),
    ("flash", "bytes", ("memory", "flash_bytes")),
    ("weights", "bytes", ("memory", "weights_bytes")),
    ("code", "bytes", ("memory", "code_bytes")),
    ("RAM", "bytes", ("memory", "ram_bytes")),
    ("arena", "bytes", ("memory", "arena_bytes")),
    ("stack", "bytes", ("memory", "stack_bytes")),
    ("MACs", "MACs", ("memory", "macs")),
    ("instructions per inference", "instructions", ("verification", "instructions")),
    ("differences from the reference", "integers", ("verification", "differences")),
)
"""What a report says: name, unit, and where in `report.json`."""


def _measured(old: RunReport, new: RunReport) -> Iterator[Quantity]:
    before, after = old.model_dump(), new.model_dump()
    for name, unit, place in _MEASURED:
        values = _at(before, place), _at(after, place)
        if values != (None, None):
            yield Quantity(name=name, unit=unit, old=values[0], new=values[1])


def _at(value: Any, place: tuple[str, ...]) -> int | float | None:
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, (int, float)) and np.isfinite(value) else None


def compare_graphs(old: Graph, new: Graph) -> tuple[tuple[OperatorDifference, ...], tuple[WeightsDifference, ...]]:
    """Operators that were added, removed or changed, and constants that differ between operators that correspond.

    Operators correspond by the longest common sequence of their kinds, as lines of text do in `diff`.
    """
    operators: list[OperatorDifference] = []
    weights: list[WeightsDifference] = []
    matcher = SequenceMatcher(None, [op.kind for op in old.ops], [op.kind for op in new.ops], autojunk=False)
    for verdict, a, b, c, d in matcher.get_opcodes():
        if verdict == "equal":
            for i, j in zip(range(a, b), range(c, d)):
                what = tuple(_changes(old, new, old.ops[i], new.ops[j]))
                if what:
                    operators.append(_operator("changed", new, new.ops[j], i, j, what))
                weights += _weights(old, new, old.ops[i], new.ops[j])
        else:
            operators += [_operator("removed", old, old.ops[i], i, None) for i in range(a, b)]
            operators += [_operator("added", new, new.ops[j], None, j) for j in range(c, d)]
    return tuple(operators), tuple(weights)


def _operator(change: Any, graph: Graph, op: Op, old: int | None, new: int | None, what: tuple[str, ...] = ()) -> OperatorDifference:
    name = graph.tensors[op.subject].name if op.subject >= 0 else ""
    return OperatorDifference(change=change, operator=op.kind, name=name, old_index=old, new_index=new, what=what)


def _changes(old: Graph, new: Graph, before: Op, after: Op) -> Iterator[str]:
    if len(before.inputs) != len(after.inputs) or len(before.outputs) != len(after.outputs):
        yield f"inputs and outputs: {len(before.inputs)} and {len(before.outputs)} -> {len(after.inputs)} and {len(after.outputs)}"
    if dataclasses.is_dataclass(before.options) and dataclasses.is_dataclass(after.options):
        for field in dataclasses.fields(before.options):
            was, now = getattr(before.options, field.name), getattr(after.options, field.name)
            if was != now:
                yield f"{field.name}: {was} -> {now}"
    for role, one, other in (("input", before.inputs, after.inputs), ("output", before.outputs, after.outputs)):
        for position, (i, j) in enumerate(zip(one, other)):
            if (i < 0) != (j < 0):
                yield f"{role} {position}: {'absent -> present' if i < 0 else 'present -> absent'}"
            elif i >= 0:
                yield from _tensor_changes(f"{role} {position}", old.tensors[i], new.tensors[j])


def _tensor_changes(where: str, before: Tensor, after: Tensor) -> Iterator[str]:
    if before.shape != after.shape:
        yield f"{where} shape: {list(before.shape)} -> {list(after.shape)}"
    if before.dtype != after.dtype:
        yield f"{where} dtype: {before.dtype} -> {after.dtype}"
    if before.is_constant != after.is_constant:
        yield f"{where}: {'constant -> computed' if before.is_constant else 'computed -> constant'}"
    if before.quant != after.quant:
        yield f"{where} quantization: {_quantization(before.quant)} -> {_quantization(after.quant)}"


def _quantization(quant: Quant | None) -> str:
    if quant is None:
        return "none"
    if quant.per_channel:
        return f"{len(quant.scales)} scales from {min(quant.scales):.4g} to {max(quant.scales):.4g} on axis {quant.axis}"
    return f"{quant.scale:.6g} {quant.zero_point:+d}"


def _weights(old: Graph, new: Graph, before: Op, after: Op) -> Iterator[WeightsDifference]:
    for i, j in zip(before.inputs, after.inputs):
        if i < 0 or j < 0:
            continue
        one, other = old.tensors[i], new.tensors[j]
        if one.data is None or other.data is None or one.shape != other.shape or np.array_equal(one.data, other.data):
            continue
        apart = np.abs(one.data.astype(np.float64) - other.data.astype(np.float64))
        yield WeightsDifference(
            operator=after.kind,
            old_name=one.name,
            new_name=other.name,
            elements=one.elements,
            differ=int(np.count_nonzero(one.data != other.data)),
            largest=float(np.nan_to_num(apart, nan=0.0, posinf=0.0).max()),
        )
