"""What `tinykd diff` shows: two models, or what two runs measured, side by side."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, computed_field

from tinykd.recipe.section import Section

Unit = Literal["bytes", "MACs", "operators", "instructions", "fraction", "parameters", "integers"]


class Quantity(Section):
    """One number, before and after."""

    name: str
    unit: Unit
    old: int | float | None = Field(description="null where A does not say")
    new: int | float | None = Field(description="null where B does not say")

    @computed_field(description="new - old")  # type: ignore[prop-decorator]
    @property
    def delta(self) -> int | float | None:
        return None if self.old is None or self.new is None else self.new - self.old

    @computed_field(description="delta in percent of old")  # type: ignore[prop-decorator]
    @property
    def percent(self) -> float | None:
        """The change in percent of the old number."""
        return 100 * self.delta / self.old if self.old and self.delta is not None else None


class OperatorDifference(Section):
    """An operator that is in one model only, or in both with something changed."""

    change: Literal["added", "removed", "changed"]
    operator: str
    name: str = Field(description="of the first output, in the model that has the operator; in B if both have")
    old_index: int | None
    new_index: int | None
    what: tuple[str, ...] = Field((), description="what changed, each as `property: old -> new`")


class WeightsDifference(Section):
    """A constant tensor that differs between two operators that correspond."""

    operator: str
    old_name: str
    new_name: str
    elements: int
    differ: int = Field(description="elements that are not equal")
    largest: float = Field(description="largest absolute difference, in stored integers")


class Difference(Section):
    """Two models, two runs, or two reports."""

    schema_version: Literal[1] = 1
    old: str
    new: str
    quantities: tuple[Quantity, ...]
    operators: tuple[OperatorDifference, ...] = ()
    weights: tuple[WeightsDifference, ...] = ()
    compared_models: bool = Field(description="operators and weights were compared")
    same_model: bool | None = Field(description="the two .tflite are equal, byte for byte; null where none was compared")

    @property
    def changed(self) -> bool:
        return bool(self.operators or self.weights or any(quantity.delta for quantity in self.quantities))


def value_text(value: float | None, unit: Unit) -> str:
    """A number as people read it: thousands apart, fractions in percent, `-` where unknown."""
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if unit == "fraction" else f"{value:,.0f}"


def delta_text(q: Quantity) -> str:
    """The change with its sign; of fractions in percentage points."""
    if q.delta is None:
        return ""
    if not q.delta:
        return "0"
    return f"{100 * q.delta:+.2f} pp" if q.unit == "fraction" else f"{q.delta:+,.0f}"


def percent_text(q: Quantity) -> str:
    """The change in percent; nothing for fractions, whose change is in points already."""
    return "" if q.unit == "fraction" or q.percent is None or not q.delta else f"{q.percent:+.1f} %"


def _label(q: Quantity) -> str:
    return f"{q.name}, bytes" if q.unit == "bytes" else q.name


def _place(one: OperatorDifference) -> str:
    places = [str(index) for index in (one.old_index, one.new_index) if index is not None]
    return " -> ".join(dict.fromkeys(places))


def _verdict(d: Difference) -> str:
    if d.same_model:
        return "the models are equal, byte for byte"
    if not d.compared_models:
        return ""
    if not d.operators and not d.weights:
        return "the models differ in names or layout only: same operators, same weights"
    return f"{len(d.operators)} operators and {len(d.weights)} weight tensors differ"


def difference_text(d: Difference) -> str:
    """The difference as plain text."""
    lines = [f"A {d.old}", f"B {d.new}", ""]
    if d.quantities:
        lines.append(f"{'':<34}{'A':>14}{'B':>14}{'change':>14}")
        lines += [
            f"{_label(q):<34}{value_text(q.old, q.unit):>14}{value_text(q.new, q.unit):>14}{delta_text(q):>14}  {percent_text(q)}".rstrip()
            for q in d.quantities
        ]
        lines.append("")
    verdict = _verdict(d)
    if verdict:
        lines.append(verdict)
    for one in d.operators:
        lines.append(f"  {one.change:<8} {_place(one):>8} {one.operator} '{one.name}'")
        lines += [f"             {what}" for what in one.what]
    for w in d.weights:
        lines.append(f"  weights  {w.operator} '{w.new_name}': {w.differ:,} of {w.elements:,} elements, by up to {w.largest:g}")
    return "\n".join(lines).rstrip() + "\n"


def difference_markdown(d: Difference) -> str:
    """The difference as Markdown tables, for a pull request."""
    lines = [f"### `{_cell(d.old)}` → `{_cell(d.new)}`", ""]
    if d.quantities:
        lines += ["| | A | B | change | |", "|---|---:|---:|---:|---:|"]
        lines += [
            f"| {_label(q)} | {value_text(q.old, q.unit)} | {value_text(q.new, q.unit)} | {delta_text(q)} | {percent_text(q)} |"
            for q in d.quantities
        ]
        lines.append("")
    verdict = _verdict(d)
    if verdict:
        lines += [f"{verdict[0].upper()}{verdict[1:]}.", ""]
    if d.operators:
        lines += ["| change | position | operator | output | what |", "|---|---:|---|---|---|"]
        lines += [f"| {o.change} | {_place(o)} | {o.operator} | `{_cell(o.name)}` | {_cell('; '.join(o.what))} |" for o in d.operators]
        lines.append("")
    if d.weights:
        lines += ["| weights of | tensor | elements | differ | largest difference |", "|---|---|---:|---:|---:|"]
        lines += [f"| {w.operator} | `{_cell(w.new_name)}` | {w.elements:,} | {w.differ:,} | {w.largest:g} |" for w in d.weights]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """`text` made safe inside a cell: names come from the models' authors."""
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")
