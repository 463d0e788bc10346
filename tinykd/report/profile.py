"""The profile: where one inference spends its instructions, layer by layer, and how far each layer is from its floor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinykd.recipe.section import Section

_BAR = 40


class ProfiledLayer(Section):
    """A layer, or a chain of layers that runs row by row."""

    index: int = Field(description="position in execution order; of the first member of a chain")
    operator: str = Field(description="`chain` for a chain")
    name: str = Field(description="of the output tensor")
    kernel: str = Field(description="C function")
    shape: str = Field(description="input -> output, all axes, batch first")
    macs: int = Field(description="multiply-accumulates")
    outputs: int = Field(description="elements computed")
    instructions: int
    instructions_per_mac: float | None = Field(description="null without MACs")
    share: float = Field(description="of the whole inference, 0 to 1")
    floor: int = Field(description="the fewest instructions that such a layer can need on this core")
    members: tuple[ProfiledLayer, ...] = Field(default=(), description="the layers of a chain, with what each takes of it")

    @property
    def label(self) -> str:
        """`3 CONV_2D`, or `3-5 chain`."""
        return f"{self.index}-{self.members[-1].index} {self.operator}" if self.members else f"{self.index} {self.operator}"


class Profile(Section):
    """One inference, layer by layer."""

    schema_version: Literal[1] = 1
    model: str
    model_sha256: str
    target: str
    emulator: str
    toolchain: str
    optimize: str
    rounding: str
    instructions: int = Field(description="of the inference: all layers and what lies between them")
    macs: int
    instructions_per_mac: float | None
    floor: int
    exact: bool = Field(description="whether the outputs of the profiled inference equal the reference, integer for integer")
    layers: tuple[ProfiledLayer, ...]


def bar(part: int, whole: int, floor: int = 0, width: int = _BAR) -> str:
    """`part` of `whole` as a bar: `=` up to the floor, `#` above it."""
    filled = round(width * part / whole) if whole else 0
    least = min(filled, round(width * floor / whole) if whole else 0)
    return ("=" * least + "#" * (filled - least)).ljust(width)


def profile_text(p: Profile) -> str:
    """The profile as a table with bars."""
    whole = max((layer.instructions for layer in p.layers), default=0)
    lines = [
        f"{p.model} on {p.target}: {p.emulator}, {p.toolchain}, {p.optimize}, rounding {p.rounding}",
        f"{p.instructions:,} instructions per inference, {p.macs:,} MACs{_per_mac(p.instructions_per_mac, ', {:.2f} per MAC')}, "
        f"floor {p.floor:,}; outputs {'exact' if p.exact else 'NOT EXACT'}",
        "",
        f"{'layer':<25}{'MACs':>11}{'instructions':>14}{'/MAC':>8}{'share':>8}{'/floor':>8}  {'= floor, # above it':<{_BAR}}  kernel",
    ]
    for layer in p.layers:
        lines.append(_row(layer, whole, ""))
        lines += [_row(member, whole, "| ") for member in layer.members]
    lines.append(f"{'between layers':<36}{p.instructions - sum(layer.instructions for layer in p.layers):>14,}")
    return "\n".join(lines) + "\n"


def _row(layer: ProfiledLayer, whole: int, indent: str) -> str:
    ratio = f"{layer.instructions / layer.floor:.2f}" if layer.floor else ""
    return (
        f"{f'{indent}{layer.label}'[:24]:<25}{layer.macs:>11,}{layer.instructions:>14,}{_per_mac(layer.instructions_per_mac, '{:.2f}'):>8}"
        f"{100 * layer.share:>6.1f} %{ratio:>8}  {bar(layer.instructions, whole, layer.floor)}  {layer.kernel} {layer.shape}"
    )


def _per_mac(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
