"""What `tinykd inspect` shows: the layers of a model, what each costs, and which code will run for it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinykd.recipe.section import Section
from tinykd.sizes import show_size

Bytes = int

Fate = Literal["kernel", "view", "merged", "constant", "removed", "refused"]


class InspectedTensor(Section):
    """A tensor as the file holds it."""

    index: int = Field(description="its number in the file")
    name: str
    shape: tuple[int, ...] = Field(description="all axes, batch first")
    dtype: str
    scales: tuple[float, ...] = Field(description="empty without quantization, several for channels along `axis`")
    zero_points: tuple[int, ...]
    axis: int | None = Field(description="the quantized dimension; null unless there are several scales")
    constant_bytes: Bytes = Field(description="0 for a tensor that is computed")


class InspectedLayer(Section):
    """One operator of the file and what becomes of it."""

    index: int | None = Field(description="position in the file; null for an operator that a rewrite added")
    operator: str
    name: str = Field(description="of the first output")
    inputs: tuple[InspectedTensor, ...] = Field(description="present inputs, constants included")
    outputs: tuple[InspectedTensor, ...]
    fate: Fate = Field(description="a kernel runs; a view costs nothing; merged into another layer; computed already; removed; refused")
    kernel: str = Field(description="C function, empty where no code runs")
    why: str = Field(description="why this kernel, or what became of the operator, or the reason of the refusal")
    hint: str = Field(description="what to do about a refusal; empty otherwise")
    passes: tuple[str, ...] = Field(description="rewrites that changed this operator, in order")
    macs: int = Field(description="multiply-accumulates of one inference; 0 where refused")
    weights_bytes: Bytes = Field(description="tables of the generated C: weights, biases, multipliers, shifts")
    arena_bytes: Bytes | None = Field(description="tensors and scratch that exist while it runs; null where nothing runs")


class Inspection(Section):
    """A model, operator by operator."""

    schema_version: Literal[1] = 1
    model: str
    model_sha256: str
    model_bytes: Bytes
    rounding: str
    passes: tuple[str, ...] = Field(description="rewrites that ran, in order")
    inputs: tuple[InspectedTensor, ...]
    outputs: tuple[InspectedTensor, ...]
    macs: int
    weights_bytes: Bytes = Field(description="all tables, equal ones counted once")
    arena_bytes: Bytes
    arena_lower_bound_bytes: Bytes
    layers: tuple[InspectedLayer, ...]

    @property
    def refused(self) -> tuple[InspectedLayer, ...]:
        return tuple(layer for layer in self.layers if layer.fate == "refused")


_FATES: dict[Fate, str] = {
    "kernel": "",
    "view": "view",
    "merged": "merged",
    "constant": "constant",
    "removed": "removed",
    "refused": "REFUSED",
}


def quantization_text(tensor: InspectedTensor) -> str:
    """`0.0235 -128` for a tensor's scale and zero point, `16 scales on axis 0` for channels, empty without."""
    if not tensor.scales:
        return ""
    if len(tensor.scales) > 1:
        return f"{len(tensor.scales)} scales on axis {tensor.axis}"
    return f"{tensor.scales[0]:.4g} {tensor.zero_points[0]:+d}"


def tensor_text(tensor: InspectedTensor) -> str:
    """`int8 [1, 49, 10, 1] 0.0235 -128`."""
    return f"{tensor.dtype} [{', '.join(map(str, tensor.shape))}] {quantization_text(tensor)}".rstrip()


def inspection_text(i: Inspection) -> str:
    """The inspection as plain text: one line a layer, then its inputs, then what becomes of it."""
    operators = sum(layer.index is not None for layer in i.layers)
    lines = [
        f"{i.model}: {i.model_bytes:,} bytes, SHA-256 {i.model_sha256[:16]}…, rounding {i.rounding}",
        f"{operators} operators, {i.macs:,} MACs, weights {i.weights_bytes:,} bytes ({show_size(i.weights_bytes)}), "
        f"arena {i.arena_bytes:,} bytes (lower bound {i.arena_lower_bound_bytes:,})",
        *(f"input  '{t.name}' {tensor_text(t)}" for t in i.inputs),
        *(f"output '{t.name}' {tensor_text(t)}" for t in i.outputs),
        "",
        f"{'layer':<30}{'MACs':>12}{'weights':>10}{'arena':>9}  kernel",
    ]
    peak = max((layer.arena_bytes or 0 for layer in i.layers), default=0)
    for layer in i.layers:
        arena = "-" if layer.arena_bytes is None else f"{layer.arena_bytes:,}"
        mark = " <- peak" if layer.arena_bytes == peak and peak else ""
        shown = layer.kernel or _FATES[layer.fate]
        position = "+" if layer.index is None else str(layer.index)
        costs = f"{layer.macs:>12,}{layer.weights_bytes:>10,}{arena:>9}"
        lines.append(f"{position:>3} {layer.operator[:25]:<26}{costs}  {shown}{mark}")
        for tensor in layer.inputs:
            size = f", {tensor.constant_bytes:,} bytes" if tensor.constant_bytes else ""
            lines.append(f"      <- '{tensor.name}' {tensor_text(tensor)}{size}")
        for tensor in layer.outputs:
            lines.append(f"      -> '{tensor.name}' {tensor_text(tensor)}")
        lines.append(f"      {layer.why}" + (f" [{', '.join(layer.passes)}]" if layer.passes else ""))
        if layer.hint:
            lines.append(f"      hint: {layer.hint}")
    if i.refused:
        lines += ["", f"{len(i.refused)} of {len(i.layers)} operators are refused; the figures leave out what they would need"]
    return "\n".join(lines) + "\n"
