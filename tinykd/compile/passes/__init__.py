"""Rewrites that leave every output integer as it is. Each is one file and one row, can be switched off, and names what it did.

Graph rewrites run before the integers are computed, program rewrites after: there a condition such as "this table only
clamps" is read off the integers themselves, so a rewrite is exact by construction and independent of who wrote the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph
from tinykd.compile.passes import (
    compose_copies,
    compose_tables,
    constant_channels,
    dead_code,
    fold_constants,
    fold_padding,
    fuse_clamps,
    identities,
    integer_io,
    logits,
    mean_as_pool,
    order_layers,
    parts_in_place,
    read_in_place,
    trim_kernels,
    unsigned_to_signed,
)
from tinykd.compile.program import Program, lower
from tinykd.errors import UsageError


@dataclass(frozen=True)
class GraphPass:
    """A rewrite of the graph, with one line on what it does."""

    summary: str
    apply: Callable[[Graph], Graph]
    default: bool = True


@dataclass(frozen=True)
class ProgramPass:
    """A rewrite of the lowered program, with one line on what it does."""

    summary: str
    apply: Callable[[Program], Program]
    default: bool = True


GRAPH_PASSES: dict[str, GraphPass] = {
    "unsigned-to-signed": GraphPass("uint8 activations of older models become int8", unsigned_to_signed.apply),
    "integer-io": GraphPass("drop QUANTIZE and DEQUANTIZE at the ends: inputs and outputs are integers", integer_io.apply, default=False),
    "logits": GraphPass("drop a SOFTMAX or LOGISTIC at the end: outputs become logits", logits.apply, default=False),
    "fold-constants": GraphPass("compute operators whose inputs are all constants", fold_constants.apply),
    "dead-code": GraphPass("remove operators whose outputs nothing reads", dead_code.apply),
}
PROGRAM_PASSES: dict[str, ProgramPass] = {
    "compose-tables": ProgramPass("several operators on single bytes become one table", compose_tables.apply),
    "fuse-clamps": ProgramPass("a table that only clamps moves into the clamp of the operator before", fuse_clamps.apply),
    "compose-copies": ProgramPass("transposes, slices and their kin in a row become one copy", compose_copies.apply),
    "identities": ProgramPass("operators that change no byte become views", identities.apply),
    "fold-padding": ProgramPass("PAD moves into the padding of the convolution or maximum after it", fold_padding.apply),
    "mean-as-pool": ProgramPass(
        "MEAN over height and width becomes AVERAGE_POOL_2D where every sum gives the same integer", mean_as_pool.apply
    ),
    "trim-kernels": ProgramPass("taps of a convolution that only ever meet padding are cut off", trim_kernels.apply),
    "constant-channels": ProgramPass("channels that are constant for every input, or unread, are removed", constant_channels.apply),
    "read-in-place": ProgramPass("READ_VARIABLE becomes a view where its state does not change meanwhile", read_in_place.apply),
    "order-layers": ProgramPass("branches in the order whose live tensors take the least memory", order_layers.apply),
    "parts-in-place": ProgramPass("tensors that are joined, or taken apart, in one piece of memory are not copied", parts_in_place.apply),
}
"""In the order in which they run."""


def chosen(without: Collection[str] = (), with_also: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the passes that run, in order.

    Raises:
        UsageError: no pass has one of the given names.
    """
    known: dict[str, GraphPass | ProgramPass] = {**GRAPH_PASSES, **PROGRAM_PASSES}
    for name in (*without, *with_also):
        if name not in known:
            raise UsageError(f"no pass is called '{name}'", f"passes: {', '.join(known)}")
    return tuple(name for name, row in known.items() if (row.default or name in with_also) and name not in without)


def compile_graph(
    graph: Graph, rounding: Rounding = "single", *, without: Collection[str] = (), with_also: Collection[str] = ()
) -> Program:
    """Rewrite and lower a graph.

    Args:
        without: passes to leave out, by name.
        with_also: passes to run that do not run by default.

    Raises:
        UsageError: no pass has that name.
        UnsupportedModel: see `program.lower`.
    """
    names = chosen(without, with_also)
    for name, graph_pass in GRAPH_PASSES.items():
        if name in names:
            graph = graph_pass.apply(graph)
    program = lower(graph, rounding)
    for name, program_pass in PROGRAM_PASSES.items():
        if name in names:
            program = program_pass.apply(program)
    return program
