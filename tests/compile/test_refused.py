"""Operators that are left out on purpose say why, and what to use instead."""

from __future__ import annotations

import pytest

from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.refused import REFUSED
from tinykd.compile.program import lower
from tinykd.errors import UnsupportedModel


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_the_reason_and_the_way_out_are_named(kind: str) -> None:
    tensors = tuple(Tensor(name, (1, 4), "int8", Quant((0.1,), (0,))) for name in ("x", "y"))
    with pytest.raises(UnsupportedModel) as raised:
        lower(Graph(tensors, (Op(kind, (0,), (1,)),), (0,), (1,)))
    reason, instead = REFUSED[kind]
    assert raised.value.message == f"operator 0 {kind} ('y') is not compiled: {reason}"
    assert raised.value.hint == instead


def test_nothing_is_both_compiled_and_refused() -> None:
    assert set(OPERATORS) & set(REFUSED) == set()
    assert all(len(reason) > 20 and len(instead) > 20 for reason, instead in REFUSED.values())
