"""What removing constant and unread channels saved, layer by layer."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section


class ReducedLayer(Section):
    """A layer whose output lost channels."""

    index: int
    operator: str
    name: str
    channels_before: int
    channels: int
    constant: int = Field(description="of the removed channels, those that hold one integer for every input; nothing reads the others")


class Reduction(Section):
    """The network before and after."""

    macs_before: int = Field(description="multiply-accumulates of one inference")
    macs: int
    weights_before_bytes: int = Field(description="weights, biases, multipliers, shifts, tables")
    weights_bytes: int
    layers: tuple[ReducedLayer, ...]


def _change(before: int, after: int) -> str:
    return f"{before:,} -> {after:,} ({100 * (after - before) / max(before, 1):+.1f} %)"


def reduction_text(r: Reduction) -> list[str]:
    """Lines of at most 120 columns: the totals, then the channels of each layer."""
    return [
        "constant and unread channels removed: no integer of the others changes (--without constant-channels keeps them)",
        f"  MACs {_change(r.macs_before, r.macs)}",
        f"  weights, bytes {_change(r.weights_before_bytes, r.weights_bytes)}",
        *(
            f"  {layer.index:>3} {layer.operator[:23]:<24}{layer.channels_before:>5} -> {layer.channels:<5}channels, "
            f"{layer.constant} constant, {layer.channels_before - layer.channels - layer.constant} unread"
            for layer in r.layers
        ),
    ]


def reduction_markdown(r: Reduction) -> list[str]:
    """The same as Markdown."""
    return [
        "## Constant and unread channels removed",
        "",
        f"MACs {_change(r.macs_before, r.macs)}; bytes of weights {_change(r.weights_before_bytes, r.weights_bytes)}.",
        "",
        "| layer | operator | channels before | channels | constant |",
        "|---:|---|---:|---:|---:|",
        *(f"| {one.index} | {one.operator} | {one.channels_before} | {one.channels} | {one.constant} |" for one in r.layers),
    ]
