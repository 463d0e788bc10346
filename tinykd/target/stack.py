"""Worst-case stack: the deepest path through the call graph of an image.

Frames come from the compiler (`-fstack-usage`), calls from the instructions. Functions without a record, which are the
compiler's own helpers, count with everything that they push.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinykd.target.elf import Elf, Symbol
from tinykd.target.flow import Branch, Flow
from tinykd.target.functions import function_spans, instruction_stretches
from tinykd.target.instruction_set import INSTRUCTION_SETS, InstructionSet

INTERRUPTS = ("SysTick_Handler",)
"""Handlers that may run on top of the program, one at a time. Faults end the program and start on a fresh stack."""


@dataclass(frozen=True)
class Frame:
    """One function of a path and the bytes of its frame, saved registers included."""

    function: str
    bytes: int


@dataclass(frozen=True)
class StackBound:
    """The worst-case stack.

    Attributes:
        bytes: an upper bound; None if there is none, and `unknown` says why.
        path: the functions of the deepest path, from the reset handler on.
        interrupt_bytes: the part for the deepest interrupt: what the core pushes and the handler's own path.
        model_bytes: the deepest path from the model's `tinykd_NAME_invoke`, itself included: what a caller must have left.
        unknown: reasons, one a line.
    """

    bytes: int | None
    path: tuple[Frame, ...] = ()
    interrupt_bytes: int = 0
    model_bytes: int | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Function:
    frame: int | None
    calls: frozenset[int]
    unknown: tuple[str, ...]


class _Unbounded(Exception):
    """A path that cannot be bounded."""


def read_stack_usage(files: Iterable[Path]) -> dict[tuple[str, str], int | None]:
    """Frame bytes by (source stem, function) from `.su` files; None for frames that depend on data (alloca, VLA)."""
    frames: dict[tuple[str, str], int | None] = {}
    for file in files:
        for line in file.read_text().splitlines():
            place, size, kind = line.rsplit("\t", 2)
            bounded = "dynamic" not in kind or "bounded" in kind
            frames[file.stem, place.rsplit(":", 1)[1]] = int(size) if bounded else None
    return frames


def stack_bound(elf: Elf, frames: Mapping[tuple[str, str], int | None], instruction_set: str, exception_frame_bytes: int) -> StackBound:
    """The worst-case stack of a linked image.

    Args:
        frames: from `read_stack_usage`.
        instruction_set: key of `instruction_set.INSTRUCTION_SETS`.
        exception_frame_bytes: what the core pushes when an interrupt comes.
    """
    functions = _call_graph(elf, frames, INSTRUCTION_SETS[instruction_set])
    names = {s.address: s.name for s in elf.symbols if s.kind == "function"}
    start = elf.symbol("Reset_Handler")
    entry = start.address if start else elf.entry
    try:
        path = _deepest(functions, names, entry)
        interrupt = 0
        for name in INTERRUPTS:
            handler = elf.symbol(name)
            if handler is not None:
                inside = _deepest(functions, names, handler.address)
                interrupt = max(interrupt, exception_frame_bytes + sum(f.bytes for f in inside))
        model = _model(elf, functions, names)
    except _Unbounded as error:
        return StackBound(None, unknown=(str(error),))
    return StackBound(sum(f.bytes for f in path) + interrupt, path, interrupt, model)


def _model(elf: Elf, functions: Mapping[int, _Function], names: Mapping[int, str]) -> int | None:
    deepest = None
    for symbol in elf.symbols:
        generated = symbol.name.startswith("tinykd_") and symbol.name.endswith("_invoke") and symbol.kind == "function"
        if generated and symbol.address in functions:
            deepest = max(deepest or 0, sum(f.bytes for f in _deepest(functions, names, symbol.address)))
    return deepest


def _call_graph(elf: Elf, frames: Mapping[tuple[str, str], int | None], reads: InstructionSet) -> dict[int, _Function]:
    spans = function_spans(elf)
    starts = {symbol.address: symbol.address for symbol, _ in spans}
    graph = {}
    for symbol, end in spans:
        calls, unknown, pushed = set(), [], 0
        for low, code in instruction_stretches(elf, symbol, end):
            for branch in reads.branches(code, low):
                if branch.target is None:
                    unknown.append(f"{symbol.name} makes an {branch.flow.value} at {branch.address:#x}")
                elif _leaves(branch, symbol.address, end):
                    calls.add(starts.get(branch.target, branch.target))
            piece = reads.stack_pushed(code)
            if piece is None:
                unknown.append(f"{symbol.name} moves the stack pointer by a register")
            pushed += piece or 0
        recorded = _recorded(frames, symbol)
        if recorded is None:
            graph[symbol.address] = _Function(pushed, frozenset(calls), tuple(unknown))
        else:
            reasons = [u for u in unknown if "stack pointer" not in u]
            if recorded[0] is None:
                reasons.append(f"{symbol.name} has a frame whose size depends on data")
            graph[symbol.address] = _Function(recorded[0], frozenset(calls), tuple(reasons))
    return graph


def _leaves(branch: Branch, start: int, end: int) -> bool:
    """Whether a branch enters a function. Into the middle of its own one even `bl` is a jump: on Armv6-M only that reaches far."""
    target = branch.target
    assert target is not None
    return not start <= target < end or (branch.flow is Flow.CALL and target == start)


def _recorded(frames: Mapping[tuple[str, str], int | None], symbol: Symbol) -> tuple[int | None] | None:
    """The compiler's record of a function, under its own name or, for clones (`f.constprop.0`), under the first part."""
    for name in (symbol.name, symbol.name.split(".")[0]):
        if (symbol.source, name) in frames:
            return (frames[symbol.source, name],)
    return None


def _deepest(functions: Mapping[int, _Function], names: Mapping[int, str], address: int) -> tuple[Frame, ...]:
    """The deepest path from `address` on. Raises `_Unbounded` for recursion, indirect calls and data-dependent frames."""
    memo: dict[int, tuple[Frame, ...]] = {}

    def visit(at: int, chain: tuple[int, ...]) -> tuple[Frame, ...]:
        name = names.get(at, f"{at:#x}")
        if at in chain:
            loop = [names.get(a, f"{a:#x}") for a in (*chain[chain.index(at) :], at)]
            raise _Unbounded("recursion: " + " -> ".join(loop))
        if at in memo:
            return memo[at]
        function = functions.get(at)
        if function is None:
            raise _Unbounded(f"a branch goes to {name}, which is no function")
        if function.unknown or function.frame is None:
            raise _Unbounded("; ".join(function.unknown))
        below = [visit(call, (*chain, at)) for call in sorted(function.calls)]
        deepest: tuple[Frame, ...] = max(below, key=lambda path: sum(f.bytes for f in path), default=())
        memo[at] = (Frame(name, function.frame), *deepest)
        return memo[at]

    return visit(address, ())
