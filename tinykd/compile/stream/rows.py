"""One row of a layer's output: which rows of its inputs it reads, and the kernel call that computes it.

The kernels are those of whole layers: a layer whose output is one row high, on an input of just the rows that it reads.
Rows at the upper and lower edge read less and are calls of their own; those between are all alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call
from tinykd.compile.ops.pooling import Pool
from tinykd.compile.ops.relu import WideRelu
from tinykd.compile.program import Layer, Program
from tinykd.compile.specialise import specialised

WORD = 4
"""Bytes: rows are whole words, so that each starts where kernels may load one, and is copied by words."""


@dataclass(frozen=True)
class Window:
    """The input rows that output row r reads: `reach` of them from r * stride - pad on, those that exist.

    Attributes:
        input: rows of the input.
    """

    input: int
    stride: int = 1
    pad: int = 0
    reach: int = 1

    def first(self, row: int) -> int:
        return max(row * self.stride - self.pad, 0)

    def end(self, row: int) -> int:
        return min(row * self.stride - self.pad + self.reach, self.input)

    def shape(self, row: int) -> tuple[int, int]:
        """Rows that are missing above, and rows that are read: what the kernel must be told."""
        return max(self.pad - row * self.stride, 0), self.end(row) - self.first(row)


@dataclass(frozen=True, eq=False)
class Rows:
    """A layer by rows.

    Attributes:
        layer: the whole layer.
        count: rows of its output.
        window: which rows of each source it reads.
        sources: the activations that it reads.
        middle: most rows: the layer with parameters and call of a single row.
        edges: the others.
        above: bytes that the output must start above its first source to be written over it from the last row to the first:
            a row must lie above every row that it and the rows before it read.
    """

    layer: Layer
    count: int
    window: Window
    sources: tuple[int, ...]
    middle: Layer
    edges: Mapping[int, Layer]
    above: int

    @property
    def output(self) -> int:
        """The tensor that it computes."""
        return self.layer.op.outputs[0]

    @property
    def variants(self) -> tuple[Layer, ...]:
        """Every different row."""
        return (self.middle, *dict.fromkeys(self.edges.values()))

    @property
    def scratch(self) -> int:
        """Bytes of working memory of the hungriest row."""
        return max(layer.scratch for layer in self.variants)

    def at(self, row: int) -> Layer:
        return self.edges.get(row, self.middle)

    def distance(self, row: int, source: int) -> int | None:
        """How far above the output row the rows of `source` that it reads must start to be overwritten by it."""
        layer, found = self.at(row), list[int]()
        for position, tensor in enumerate(layer.passed):
            if tensor == source:
                known = layer.distances[position] if position < len(layer.distances) else None
                if known is None:
                    return None
                found.append(known)
        return max(found, default=0)


def rows_of(program: Program, layer: Layer) -> Rows | None:
    """`layer` by rows; None where that cannot be: other operators, several images, rows that are not whole words."""
    form = FORMS.get(type(layer.parameters)) or FORMS_BY_KIND.get(layer.op.kind)
    if form is None or not isinstance(layer.call, Call) or layer.call.states or len(layer.op.outputs) != 1:
        return None
    sources = tuple(dict.fromkeys(index for index in layer.passed if not program.tensor(index).is_constant))
    result, operands = program.tensor(layer.op.outputs[0]), [program.tensor(index) for index in sources]
    found = form(program, layer)
    if found is None or not operands:
        return None
    count, window, row = found
    whole_words = all(tensor.bytes % (WORD * window.input) == 0 for tensor in operands) and result.bytes % (WORD * count) == 0
    if count < 2 or not whole_words:
        return None
    shapes = [window.shape(k) for k in range(count)]
    by_shape = {shape: _lowered(program, layer, row(shape)) for shape in dict.fromkeys(shapes)}
    common = Counter(shapes).most_common(1)[0][0]
    edges = {k: by_shape[shape] for k, shape in enumerate(shapes) if shape != common}
    in_bytes, out_bytes = operands[0].bytes // window.input, result.bytes // count
    above = max(0, *(window.end(k) * in_bytes - k * out_bytes for k in range(count)))
    return Rows(layer, count, window, sources, by_shape[common], edges, above)


def _lowered(program: Program, layer: Layer, parameters: Any) -> Layer:
    """`layer` with other parameters and the fastest call for them."""
    return specialised(program, replace(layer, parameters=parameters, call=layer.row.call(parameters)))


Form = tuple[int, Window, Callable[[tuple[int, int]], Any]]
"""Rows of the output, the rows that each reads, and from what `Window.shape` says the parameters of a row."""


def _windowed(_: Program, layer: Layer) -> Form | None:
    p: Conv2D | DepthwiseConv2D | Pool = layer.parameters
    if p.batch != 1:
        return None
    axis = p.rows
    reach = (axis.kernel - 1) * axis.dilation + 1

    def row(shape: tuple[int, int]) -> Any:
        pad, there = shape
        return replace(p, rows=replace(axis, input=there, output=1, pad=pad))

    return axis.output, Window(axis.input, axis.stride, axis.pad, reach), row


def _height(program: Program, layer: Layer) -> int | None:
    """Rows of all tensors of `layer`, where they are images of one height."""
    tensors = [program.tensor(index) for index in (*layer.passed, *layer.op.outputs)]
    heights = {tensor.shape[1] for tensor in tensors if len(tensor.shape) == 4 and tensor.shape[0] == 1 and not tensor.is_constant}
    images = all(tensor.is_constant or (len(tensor.shape) == 4 and tensor.shape[0] == 1) for tensor in tensors)
    return heights.pop() if images and len(heights) == 1 else None


def _single(program: Program, layer: Layer) -> Form | None:
    """A function of each element."""
    p: Lookup | WideRelu = layer.parameters
    height = _height(program, layer)
    if height is None or p.elements % height:
        return None
    return height, Window(height), lambda _: replace(p, elements=p.elements // height)


def _paired(program: Program, layer: Layer) -> Form | None:
    """A function of two elements: images of one shape, or a constant that is the same for every row."""
    p, height = layer.parameters, _height(program, layer)
    outer = next((k for k, size in enumerate(p.loops.sizes) if size > 1), None)
    if height is None or outer is None or p.loops.sizes[outer] % height:
        return None
    for index, steps in zip(layer.operands, (p.loops.a_steps, p.loops.b_steps)):
        moves = [bool(step) for step, size in zip(steps, p.loops.sizes) if size > 1]
        if moves[0] if program.tensor(index).is_constant else not all(moves):
            return None
    sizes = tuple(size // height if k == outer else size for k, size in enumerate(p.loops.sizes))
    counted = {"elements": p.elements // height} if hasattr(p, "elements") else {}
    return height, Window(height), lambda _: replace(p, loops=replace(p.loops, sizes=sizes), **counted)


def _side_by_side(program: Program, layer: Layer) -> Form | None:
    """CONCATENATION along width or channels."""
    p: Joined = layer.parameters
    height = _height(program, layer)
    if layer.op.kind != "CONCATENATION" or height is None or p.rows % height:
        return None
    return height, Window(height), lambda _: replace(p, rows=p.rows // height)


FORMS: Mapping[type, Callable[[Program, Layer], Form | None]] = {
    Conv2D: _windowed,
    DepthwiseConv2D: _windowed,
    Pool: _windowed,
    Lookup: _single,
    WideRelu: _single,
    Joined: _side_by_side,
}
"""How layers are taken apart, by their parameters."""

FORMS_BY_KIND: Mapping[str, Callable[[Program, Layer], Form | None]] = dict.fromkeys(
    ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM", "PRELU"), _paired
)
"""The same for operators of two operands, whose parameters have `loops`."""
