"""Remove operators whose outputs nothing reads."""

from __future__ import annotations

from tinykd.compile.graph import Graph, Op


def apply(graph: Graph) -> Graph:
    """Keep what leads to an output; an operator with no outputs of its own (a state's write) stays."""
    needed, kept = set(graph.outputs), list[Op]()
    for op in reversed(graph.ops):
        if not op.outputs or needed & set(op.outputs):
            kept.append(op)
            needed.update(i for i in op.inputs if i >= 0)
    return graph if len(kept) == len(graph.ops) else graph.with_ops(tuple(reversed(kept)))
