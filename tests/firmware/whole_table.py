"""Graphs that together hold the whole operator table, several cases of each row: a few firmwares run every kernel."""

from __future__ import annotations

import numpy as np

from tests.fuzz.chains import Wiring, add_case
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Case

CHUNKS = 14
"""Graphs that the table is spread over."""

CASES = 2
"""Cases of each operator."""

MOST_BYTES = 2500
"""Tensors of a case, together: all cases of a graph have to fit a small board."""


def whole_table(chunk: int, seed: int) -> Case:
    """Every `CHUNKS`-th operator from `chunk` on, small cases wired together, and one sample for their inputs."""
    rng = np.random.default_rng([seed, chunk, 0xA11])
    wiring = Wiring(rng)
    for row in list(OPERATORS.values())[chunk::CHUNKS]:
        for _ in range(CASES):
            case = row.cases(rng)
            for _ in range(30):
                if sum(tensor.bytes for tensor in case.graph.tensors) <= MOST_BYTES:
                    break
                case = row.cases(rng)
            add_case(wiring, case)
    return Case(wiring.graph(), tuple(wiring.values))
