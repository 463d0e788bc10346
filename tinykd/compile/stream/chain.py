"""A chain: consecutive layers computed row by row, the tensors between them never whole.

The last layer asks for one row after another, and each layer for the rows that its next row reads; the last layer that is asked
and has all that it reads computes a row, with the kernel of the whole layer. Of a tensor inside, only a window exists: the
rows that some reader still needs, in order and without gaps, so that a kernel finds them as it would in the whole tensor. A
full window moves its rows down. No row is computed twice. Branches that meet again, as in a residual block, are a chain like
any other.
Source of the idea: line buffers of image pipelines (Halide's fused schedules); MCUNetV2 (Lin et al. 2021) computes patches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinykd.compile.program import Layer, Program
from tinykd.compile.stream.rows import WORD, Rows, rows_of


@dataclass(frozen=True)
class Held:
    """The window on a tensor inside a chain.

    Attributes:
        capacity: rows of it that may exist at once.
        row_bytes: of one row.
        offset: of the window in the chain's scratch.
        computed: rows that are computed at all.
    """

    capacity: int
    row_bytes: int
    offset: int
    computed: int

    @property
    def bytes(self) -> int:
        return self.capacity * self.row_bytes


@dataclass(frozen=True, eq=False)
class Chain:
    """Layers first..last of a program, computed by rows.

    Attributes:
        stages: the layers by rows, in order; the last one writes the chain's output.
        sources: whole tensors that the chain reads.
        held: the window of each tensor inside.
        kernel_scratch: offset in the chain's scratch of the kernels' working memory.
        scratch: bytes of windows and kernels' working memory.
        distances: for each source, bytes that it must start above the output to be overwritten (see `ops.access`).
        calls: kernel calls of one inference.
        moved: bytes that windows move in one inference.
    """

    stages: tuple[Rows, ...]
    sources: tuple[int, ...]
    held: Mapping[int, Held]
    kernel_scratch: int
    scratch: int
    distances: Mapping[int, int]
    calls: int
    moved: int

    @property
    def first(self) -> int:
        return self.stages[0].layer.index

    @property
    def last(self) -> int:
        return self.stages[-1].layer.index

    @property
    def output(self) -> int:
        return self.stages[-1].output

    def readers(self, tensor: int) -> tuple[Rows, ...]:
        """The stages that read a tensor."""
        return tuple(stage for stage in self.stages if tensor in stage.sources)


def chain(program: Program, stages: Sequence[Rows]) -> Chain | None:
    """The chain of consecutive layers, or None where a tensor between them is needed outside.

    Args:
        stages: at least two, in order (see `rows_of`).
    """
    made = {stage.output for stage in stages}
    inside = made - {stages[-1].output}
    first, last = stages[0].layer.index, stages[-1].layer.index
    if inside & set(program.graph.outputs):
        return None
    read = {index for stage in stages for index in stage.sources}
    if inside - read or any(i in inside for layer in (*program.layers[:first], *program.layers[last + 1 :]) for i in layer.op.inputs):
        return None
    counts = {stage.output: stage.count for stage in stages}
    if any(counts.get(source, stage.window.input) != stage.window.input for stage in stages for source in stage.sources):
        return None
    sources = tuple(dict.fromkeys(index for stage in stages for index in stage.sources if index not in made))
    run = _Run(program, stages, sources)
    run.all()
    held, offset = dict[int, Held](), 0
    for stage in stages[:-1]:
        held[stage.output] = Held(run.capacity[stage.output], run.row_bytes[stage.output], offset, run.next[stage.output])
        offset += held[stage.output].bytes
    again = _Run(program, stages, sources, run.capacity)
    again.all()
    kernels = max(stage.scratch for stage in stages)
    return Chain(
        stages=tuple(stages),
        sources=sources,
        held=held,
        kernel_scratch=offset,
        scratch=offset + -(-kernels // WORD) * WORD,
        distances=again.distances(),
        calls=sum(stage.count for stage in stages),
        moved=again.moved,
    )


class _Run:
    """The order in which a chain computes its rows, as the generated C does.

    Args:
        capacity: rows of each window; None finds the least that suffice.
    """

    def __init__(self, program: Program, stages: Sequence[Rows], sources: Sequence[int], capacity: Mapping[int, int] | None = None) -> None:
        self.stages, self.given = stages, capacity
        self.by_output = {stage.output: stage for stage in stages}
        self.readers = {i: [s for s in stages if i in s.sources] for i in (*self.by_output, *sources)}
        self.next = dict.fromkeys(self.by_output, 0)
        self.first = dict.fromkeys(self.by_output, 0)
        self.capacity = dict.fromkeys(self.by_output, 1)
        self.moved = 0
        self.row_bytes = {s.output: program.tensor(s.output).bytes // s.count for s in stages}
        self.row_bytes |= {i: program.tensor(i).bytes // s.window.input for s in stages for i in s.sources}
        # of each source, in order of execution: rows read from, and how many output rows were begun and done by then
        self.reads: dict[int, list[tuple[int, int]]] = {i: [] for i in sources}
        self.needed: dict[int, int] = dict.fromkeys(sources, 0)

    def all(self) -> None:
        """Compute every row of the output: each time a row of the last stage that is waited for and need not wait itself."""
        last = self.stages[-1]
        while self.next[last.output] < last.count:
            waited_for = {last.output}
            for stage in reversed(self.stages):
                if stage.output in waited_for:
                    end = stage.window.end(self.next[stage.output])
                    lacking = [source for source in stage.sources if self.next.get(source, end) < end]
                    if not lacking:
                        self._compute(stage)
                        break
                    waited_for.update(lacking)

    def _compute(self, stage: Rows) -> None:
        row = self.next[stage.output]
        for source in stage.sources:
            if source in self.reads:
                self.reads[source].append((self.next[self.stages[-1].output], stage.window.first(row)))
        if stage is self.stages[-1]:
            self._note_overwriting(stage, row)
        else:
            self._make_room(stage.output)
        self.next[stage.output] += 1

    def _make_room(self, tensor: int) -> None:
        lowest = self.lowest(tensor)
        if self.given is None:
            self.capacity[tensor] = max(self.capacity[tensor], self.next[tensor] - lowest + 1)
        elif self.next[tensor] - self.first[tensor] == self.given[tensor]:
            self.moved += (self.next[tensor] - lowest) * self.row_bytes[tensor]
            self.first[tensor] = lowest

    def lowest(self, tensor: int) -> int:
        """The first row that a reader may still need, of those that exist."""
        return min([self.next[tensor], *(reader.window.first(self.next[reader.output]) for reader in self.readers[tensor])])

    def _note_overwriting(self, stage: Rows, row: int) -> None:
        """The last stage writes a row of the output while it reads those of its own sources."""
        out_bytes = self.row_bytes[stage.output]
        for source in self.reads:
            if source in stage.sources:
                within = stage.distance(row, source)
                start = row * out_bytes - stage.window.first(row) * self.row_bytes[source]
                self.needed[source] = max(self.needed[source], start + (out_bytes if within is None else within))

    def distances(self) -> dict[int, int]:
        """What `Chain.distances` says; to be called when all rows are computed."""
        out_bytes = self.row_bytes[self.stages[-1].output]
        found = dict(self.needed)
        for source, reads in self.reads.items():
            for done, row in reads:  # a row that is read when `done` rows of the output are written
                found[source] = max(found[source], done * out_bytes - row * self.row_bytes[source])
        return found


def chain_of(program: Program, layers: Sequence[Layer]) -> Chain | None:
    """The chain of consecutive layers, or None where one of them cannot be computed by rows or is needed outside."""
    stages = [rows_of(program, layer) for layer in layers]
    known = [stage for stage in stages if stage is not None]
    return chain(program, known) if len(known) == len(stages) else None
