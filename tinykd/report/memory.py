"""The memory report: every byte of flash and RAM that an image takes, against its budget."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinykd.recipe.section import Section
from tinykd.report.reduction import Reduction
from tinykd.report.streaming import Streaming

Bytes = int
Role = Literal["input", "output", "state", "tensor", "scratch"]


class Budget(Section):
    """What the image may use, in bytes."""

    flash_bytes: Bytes
    ram_bytes: Bytes


class Piece(Section):
    """A named part of flash, in bytes."""

    name: str
    bytes: Bytes


class PlannedBuffer(Section):
    """A buffer of the arena: bytes [offset, offset + bytes) during the steps first..last, both included."""

    name: str
    role: Role
    operator: str = Field(description="what computes it; empty for an input or a state")
    offset: Bytes
    bytes: Bytes
    first: int
    last: int


class Limit(Section):
    """What keeps the arena from being smaller."""

    step: int = Field(description="the layer whose buffers need most")
    bytes: Bytes = Field(description="what they need at least, overwriting counted")
    shared_bytes: Bytes = Field(description="how far they lie over each other")
    buffers: tuple[int, ...] = Field(description="they, by position in `buffers`")
    stack: tuple[int, ...] = Field(description="buffers from the bottom of the arena to its top, each resting on the one before")


class Narrower(Section):
    """A suggestion: what fewer channels would save, found by planning the narrower network."""

    index: int = Field(description="the layer whose output gets fewer channels")
    operator: str
    name: str
    channels: int = Field(description="as it is")
    fewer: int = Field(description="how many to take away")
    with_layers: tuple[int, ...] = Field((), description="layers that must lose the same channels, such as the other operand of an ADD")
    arena_bytes: Bytes = Field(description="the arena afterwards")
    saved_bytes: Bytes
    weights_saved_bytes: Bytes


class BankMemory(Section):
    """The part of the arena that lies in one bank of RAM."""

    name: str
    bytes: Bytes
    capacity_bytes: Bytes = Field(description="how much the arena may take of it")


class LayerMemory(Section):
    """One layer: what it reads from flash and what exists in the arena while it runs."""

    index: int
    operator: str
    name: str
    output: str = Field(description="dtype and shape of the first output")
    kernel: str = Field(description="C function, empty for a view")
    macs: int = Field(description="multiply-accumulates of one inference")
    weights_bytes: Bytes = Field(description="weights, biases, multipliers and shifts")
    arena_bytes: Bytes = Field(description="tensors and scratch that exist during this layer")
    live: tuple[int, ...] = Field((), description="those that do, by position in `buffers`")


class Memory(Section):
    """The memory of one linked image.

    flash_bytes is the whole image; ram_bytes is arena + io + stack + .data + .bss, without what lies in other banks of RAM.
    """

    schema_version: Literal[1] = 1
    model: str
    model_sha256: str
    target: str
    toolchain: str = Field(description="compiler and version; empty where nothing was built")
    optimize: str
    rounding: str
    budget: Budget
    weights_bytes: Bytes = Field(description="constants of the model: weights, biases, multipliers, shifts, lookup tables")
    code_bytes: Bytes = Field(description=".text, interrupt vectors and tables that are not weights")
    vectors_bytes: Bytes = Field(description="interrupt vector table, part of code_bytes")
    golden_bytes: Bytes = Field(description="golden vectors of the self-test at start")
    flash_bytes: Bytes
    code_parts: tuple[Piece, ...] = Field(
        (), description="what `code_bytes` are made of: kernels, the model's calls, their parameters, checksum of the constants, firmware"
    )
    kernels: tuple[Piece, ...] = Field(description="code by C file, largest first")
    arena_bytes: Bytes = Field(description="tensors and scratch, as planned, in all banks")
    banks: tuple[BankMemory, ...] = Field((), description="the arena's parts in order of preference; empty where it is one piece in RAM")
    io_bytes: Bytes = Field(0, description="inputs and outputs that are not in the arena but the caller's")
    arena_lower_bound_bytes: Bytes = Field(description="no plan of these tensors is smaller")
    arena_proved_optimal: bool = Field(description="no plan is smaller, given how these kernels read and write")
    stack_bytes: Bytes = Field(description="worst case over the call graph of the image; 0 where nothing was built")
    model_stack_bytes: Bytes | None = Field(None, description="the part below `invoke`, itself included: what the model's caller must have")
    stack_measured_bytes: Bytes | None = Field(None, description="painted-stack high water in the emulator")
    data_bytes: Bytes = Field(description=".data")
    bss_bytes: Bytes = Field(description=".bss without the arena, inputs and outputs")
    ram_bytes: Bytes
    macs: int
    layers: tuple[LayerMemory, ...]
    reduction: Reduction | None = Field(None, description="what removing constant and unread channels saved; null where none were")
    streaming: Streaming | None = Field(None, description="layers computed row by row; null where none is")
    buffers: tuple[PlannedBuffer, ...] = Field((), description="the plan of the arena")
    limit: Limit | None = Field(None, description="what keeps the arena from being smaller")
    narrower: tuple[Narrower, ...] = Field((), description="what fewer channels would save, most first")

    @property
    def elsewhere_bytes(self) -> Bytes:
        """What of the arena lies in other banks than the RAM that has the stack."""
        return sum(bank.bytes for bank in self.banks if bank.name != "ram")

    @property
    def fits(self) -> bool:
        return self.flash_bytes <= self.budget.flash_bytes and self.ram_bytes <= self.budget.ram_bytes


def advice(memory: Memory) -> list[str]:
    """What to shrink first: the biggest offenders of each memory that is over budget."""
    lines = []
    if memory.flash_bytes > memory.budget.flash_bytes:
        over = memory.flash_bytes - memory.budget.flash_bytes
        lines.append(f"flash is {over} bytes over its budget of {memory.budget.flash_bytes}")
        for layer in sorted(memory.layers, key=lambda one: -one.weights_bytes)[:3]:
            if layer.weights_bytes:
                lines.append(
                    f"  layer {layer.index} {layer.operator} '{layer.name}' holds {layer.weights_bytes} bytes of weights: make it narrower"
                )
    if memory.ram_bytes > memory.budget.ram_bytes:
        over = memory.ram_bytes - memory.budget.ram_bytes
        lines.append(f"RAM is {over} bytes over its budget of {memory.budget.ram_bytes}")
        for layer in sorted(memory.layers, key=lambda one: -one.arena_bytes)[:3]:
            lines.append(
                f"  layer {layer.index} {layer.operator} '{layer.name}' needs {layer.arena_bytes} bytes of arena: "
                f"reduce its resolution or channels, or stride earlier (output {layer.output})"
            )
    return lines
