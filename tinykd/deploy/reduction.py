"""What removing constant and unread channels saved: the export compared with the same export without that rewrite."""

from __future__ import annotations

from collections.abc import Iterator

from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import collect
from tinykd.compile.program import Program
from tinykd.deploy.export import Exported, specialised
from tinykd.report.reduction import ReducedLayer, Reduction

PASS = "constant-channels"


def reduction_of(exported: Exported) -> Reduction | None:
    """Before and after; None where no channel was removed."""
    program = exported.program
    layers = tuple(_layers(program))
    if not layers:
        return None
    kept = exported.settings.model_copy(update={"without": (*exported.settings.without, PASS)})
    before = specialised(exported.source, kept, exported.target)
    return Reduction(
        macs_before=before.macs,
        macs=program.macs,
        weights_before_bytes=_table_bytes(before),
        weights_bytes=_table_bytes(program),
        layers=layers,
    )


def _table_bytes(program: Program) -> int:
    return collect(program, Names(program.graph.name)).bytes


def _layers(program: Program) -> Iterator[ReducedLayer]:
    for layer in program.layers:
        for index in layer.op.outputs:
            tensor = program.tensor(index)
            if tensor.reduced is not None:
                yield ReducedLayer(
                    index=layer.index,
                    operator=layer.op.kind,
                    name=tensor.name,
                    channels_before=tensor.reduced.channels,
                    channels=len(tensor.reduced.kept),
                    constant=len(tensor.reduced.constants),
                )
