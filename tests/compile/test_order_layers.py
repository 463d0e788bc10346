"""The order of layers against every order there is."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tinykd.compile.graph import Graph
from tinykd.compile.passes import order_layers
from tinykd.compile.passes.rewriting import renumbered
from tinykd.compile.planner.liveness import buffers, distances, live_bytes
from tinykd.compile.program import Program, lower
from tinykd.compile.sketch import Sketch


@st.composite
def branchy(draw: st.DrawFn) -> Graph:
    """Up to nine layers that read any tensors before them; what nothing reads is an output."""
    net = Sketch()
    tensors, read = [net.input(4, 4, 4)], set[int]()
    for _ in range(draw(st.integers(2, 7))):
        source = draw(st.sampled_from(tensors))
        same = [t for t in tensors if net.shape(t) == net.shape(source) and t != source]
        if same and draw(st.booleans()):
            other = draw(st.sampled_from(same))
            tensors.append(net.add(source, other))
            read |= {source, other}
        else:
            tensors.append(net.conv_2d(source, 4 * draw(st.integers(1, 6)), draw(st.sampled_from([1, 3]))))
            read.add(source)
    return net.graph(*(t for t in tensors[1:] if t not in read))


def orders(program: Program, done: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Every order in which no layer comes before one that it reads from."""
    if len(done) == len(program.layers):
        yield done
        return
    produced = {index for layer in program.layers for index in layer.op.outputs}
    there = {index for k in done for index in program.layers[k].op.outputs}
    for k, layer in enumerate(program.layers):
        if k not in done and all(index in there for index in layer.op.inputs if index in produced):
            yield from orders(program, (*done, k))


def peak(program: Program) -> int:
    found = buffers(program)
    return max(live_bytes(found, len(program.layers), distances(program, found)))


@given(branchy())
def test_no_order_has_a_lower_peak(graph: Graph) -> None:
    program = lower(graph)
    least = min(peak(renumbered(program, [program.layers[k] for k in order])) for order in orders(program))
    assert peak(order_layers.apply(program)) == least
