"""The proof: how many integers were compared, where they differed, what the firmware cost in instructions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinykd.recipe.section import Section
from tinykd.report.board import BoardAnswer, board_text
from tinykd.report.streaming import Price, price_text


class LayerDifference(Section):
    """A layer whose integers differ from the reference."""

    index: int
    operator: str
    name: str
    differences: int = Field(description="elements that differ, over all samples")
    elements: int = Field(description="elements compared, over all samples")
    first_sample: int
    first_element: int
    expected: int | float
    computed: int | float

    def __str__(self) -> str:
        return (
            f"layer {self.index} {self.operator} '{self.name}': {self.differences:,} of {self.elements:,} elements differ; "
            f"first at sample {self.first_sample}, element {self.first_element}: expected {self.expected}, computed {self.computed}"
        )


class StandIn(Section):
    """What stood for a board: a machine of the same core, with memories cut to the board's budget, beyond which it faults."""

    machine: str = Field(description="a board of `tinykd boards` that QEMU has, or the core that unicorn has")
    flash_bytes: int
    ram_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.machine} stood for the board: the same core, and a fault beyond {self.flash_bytes:,} bytes of flash "
            f"and {self.ram_bytes:,} of RAM"
        )


class Verification(Section):
    """What `tinykd verify` found. The names up to `ram_bytes` are a contract."""

    schema_version: Literal[1] = 1
    target: str
    emulator: str = Field(description="its name and version; with a board, that there was none")
    toolchain: str
    samples: int = Field(description="inferences run")
    compared: int = Field(description="integers compared")
    differences: int = Field(description="integers that differ")
    instructions: int = Field(description="instructions of one inference, the mean over samples; 0 where nothing counts them")
    macs: int = Field(description="multiply-accumulates of one inference")
    arena_bytes: int
    stack_bytes: int
    weights_bytes: int
    code_bytes: int = Field(description=".text and tables without weights")
    flash_bytes: int
    ram_bytes: int
    model: str
    model_sha256: str
    rounding: str
    optimize: str
    reference: str = Field(description="who computed the expected integers")
    instructions_per_mac: float | None
    golden: int = Field(description="golden vectors that the firmware itself checked at start")
    golden_differences: int = Field(description="bytes of golden outputs that the firmware itself found to differ")
    constants_intact: bool = Field(default=True, description="the model's constants in the target's memory had their CRC-32 of the export")
    layers_compared: int = Field(description="0 unless every layer was compared")
    accuracy: float | None = Field(None, description="top-1 on the samples' labels, computed from the target's integers")
    price: Price | None = Field(default=None, description="what row streaming costs, where it was measured (--price)")
    image_sha256: str | None = Field(default=None, description="SHA-256 of the ELF that ran; `manifest.json` names it")
    stand_in: StandIn | None = Field(default=None, description="what stood for the board, where it is no machine of an emulator itself")
    board: BoardAnswer | None = Field(default=None, description="the board, where it was one and no emulator (--port)")
    mismatches: tuple[LayerDifference, ...] = ()

    @property
    def exact(self) -> bool:
        """Nothing differs: integers, the firmware's own golden vectors, constants."""
        return not self.differences and not self.golden_differences and self.constants_intact

    @property
    def scope(self) -> str:
        """What was compared of each sample."""
        return f"every tensor of {self.layers_compared} layers" if self.layers_compared else "every output"

    @property
    def where(self) -> str:
        """What ran the firmware."""
        return self.emulator if self.board is None else f"the board at {self.board.port}"


def verification_text(v: Verification) -> str:
    """The proof as plain text."""
    lines = [
        f"{v.model} on {v.target}: {v.where}, {v.toolchain}",
        f"  {v.samples} samples, {v.scope}: {v.compared:,} integers compared with {v.reference}, {v.differences:,} differ",
        f"  {v.golden} golden vectors checked by the firmware itself, {v.golden_differences} bytes differ",
        f"  {v.instructions:,} instructions per inference"
        + (f", {v.instructions_per_mac:.2f} per MAC ({v.macs:,} MACs)" if v.instructions_per_mac is not None else "")
        if v.board is None
        else board_text(v.board),
        f"  flash {v.flash_bytes:,} bytes (weights {v.weights_bytes:,}, code {v.code_bytes:,}); "
        f"RAM {v.ram_bytes:,} bytes (arena {v.arena_bytes:,}, stack {v.stack_bytes:,})",
    ]
    if v.stand_in is not None:
        lines.append(f"  {v.stand_in}")
    if v.price is not None:
        lines.append(f"  {price_text(v.price)}")
    if v.accuracy is not None:
        lines.append(f"  accuracy on target {100 * v.accuracy:.2f} % of {v.samples} samples")
    lines += [f"  DIFFERS: {one}" for one in v.mismatches]
    if not v.constants_intact:
        lines.append("  WEIGHTS DAMAGED: the constants in the target's memory are not those that were exported")
    lines.append("  exact" if v.exact else "  NOT EXACT")
    return "\n".join(lines) + "\n"
