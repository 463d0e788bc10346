"""Random networks as pruning leaves them."""

from __future__ import annotations

import numpy as np

from tests.fuzz.chains import Wiring
from tests.fuzz.pruned_layers import STEPS, convolution, dense, image_quant
from tinykd.compile.graph import Graph
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model


def pruned_network(seed: int, shape: tuple[int, ...] | None = None, dtype: str = "int8") -> Graph:
    """A network of three to seven layers with one input of `shape` and `dtype`, as a reader sees it. The same seed gives the same one."""
    w = Wiring(np.random.default_rng([seed, 0xDEAD]))
    drawn = (1, *(int(n) for n in w.rng.integers(1, 7, 2)), int(w.rng.integers(1, 5)))
    image = shape or drawn
    last = w.input(np.zeros(image, dtype), image_quant(w, dtype))
    for _ in range(int(w.rng.integers(3, 8))):
        step = STEPS[int(w.rng.integers(0, len(STEPS)))]
        last = step(w, last)
    last = dense(w, last)
    if not w.ops:
        last = convolution(w, last)
    outputs = {last}
    if w.rng.random() < 0.2:  # an intermediate tensor that must stay whole
        outputs.add(int(w.rng.choice([i for op in w.ops for i in op.outputs])))
    graph = Graph(tuple(w.tensors), tuple(w.ops), tuple(w.inputs), tuple(sorted(outputs)), name="pruned")
    graph.check()
    return read_model(write_model(graph), "pruned")
