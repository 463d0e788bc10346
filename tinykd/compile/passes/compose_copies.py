"""Transposes, slices and their kin in a row become one copy, or none."""

from __future__ import annotations

from tinykd.compile.graph import Array
from tinykd.compile.ops.strided_copy import StridedCopy, strided_copy
from tinykd.compile.passes.rewriting import merge_pairs, with_parameters
from tinykd.compile.program import Layer, Program
from tinykd.errors import UnsupportedModel


def apply(program: Program) -> Program:
    """A view of a view is a view, as long as the strides still say where each element comes from."""
    return merge_pairs(program, _merged)


def _merged(program: Program, first: Layer, second: Layer) -> Layer | None:
    one, two = first.parameters, second.parameters
    if not isinstance(one, StridedCopy) or not isinstance(two, StridedCopy):
        return None
    source, result = program.tensor(first.op.inputs[0]), program.tensor(second.op.outputs[0])

    def view(x: Array) -> Array:
        seen = one.view(x)
        return two.view(seen if seen.shape == one.output_shape else seen.reshape(one.output_shape))

    try:
        parameters = strided_copy(program.graph, second.op, source, result, view)
    except UnsupportedModel:  # the elements cannot be reached by strides, or need more loops than the kernel has
        return None
    return with_parameters(second, second.row, parameters, (first.op.inputs[0], *second.op.inputs[1:]), second.op.outputs)
