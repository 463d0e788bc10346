"""What an operator is: one row of the table, from options and integers to NumPy and C."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op

P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class Table:
    """A constant array that the emitter writes to flash.

    Attributes:
        ctype: `int8_t`, `int16_t`, `int32_t`, `uint8_t`, …
        values: elements in the order the kernel reads them.
    """

    ctype: str
    values: Array

    @property
    def bytes(self) -> int:
        """In flash."""
        return int(self.values.size) * self._dtype.itemsize

    @property
    def little_endian(self) -> builtins.bytes:
        """As a little-endian target's memory holds it."""
        return self.values.astype(self._dtype).tobytes()

    @property
    def _dtype(self) -> np.dtype[Any]:
        named = np.dtype(self.ctype.removesuffix("_t").replace("float", "float32"))
        little: np.dtype[Any] = named.newbyteorder("<")
        return little


class Short(int):
    """A member that a kernel's struct holds as `int16_t`: a network has many layers, and each has its parameters in flash."""


@dataclass(frozen=True)
class Call:
    """A kernel call: `function(&parameters, input…, state…, output…[, scratch])`.

    Attributes:
        function: C name of the kernel.
        struct: C name of its parameter struct.
        fields: the struct's members in order of declaration; integers or constant tables (emitted as pointers).
        source: the kernel's file in `firmware/kernels`.
        inputs: which of the operator's inputs are passed, in order (weights are tables, not inputs).
        scratch: bytes of working memory that the call needs beyond its tensors.
        distances: as `Operator.distances`, where this kernel differs from the portable one.
        states: which of the operator's inputs are states, in order: the kernel reads and overwrites them.
    """

    function: str
    struct: str
    fields: Mapping[str, int | Table]
    source: str
    inputs: tuple[int, ...] = (0,)
    scratch: int = 0
    states: tuple[int, ...] = ()
    distances: tuple[int | None, ...] | None = None

    @property
    def positions(self) -> tuple[int, ...]:
        """Which of the operator's inputs are passed, states last."""
        return (*self.inputs, *self.states)


@dataclass(frozen=True)
class View:
    """Each output is bytes of one input, under a shape of its own: no code, no memory.

    Attributes:
        positions: which of the operator's inputs that is.
        offsets: first byte of each output in it.
    """

    positions: tuple[int, ...] = (0,)
    offsets: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Assembled(View):
    """The other way round: the inputs at `positions` were computed in the one output's memory, each from `offsets` on."""


@dataclass(frozen=True, eq=False)
class Case:
    """A test case: a graph of one operator and inputs for it, drawn from a seed.

    Attributes:
        inputs: of the first inference, for each graph input.
        later: inputs of the inferences that follow, without a reset between them, where the operator has states.
    """

    graph: Graph
    inputs: tuple[Array, ...]
    later: tuple[tuple[Array, ...], ...] = ()


def apart(_: object) -> tuple[int | None, ...]:
    """No output of the operator may overwrite an input."""
    return ()


@dataclass(frozen=True)
class Operator(Generic[P]):
    """One row of the operator table.

    Attributes:
        kind: TensorFlow Lite's name.
        code: its BuiltinOperator number.
        options_code: the number of its options in the BuiltinOptions union (0: it has none).
        options: the options dataclass, fields made with `schema.slot`.
        summary: one line for the documentation.
        lower: checks shapes, dtypes and quantization and computes every integer the kernel needs for a rounding;
            raises UnsupportedModel naming operator and tensor.
        reference: the operator in NumPy. Takes the parameters and the tensors that `call` passes, in that order, states
            as they were; returns the outputs, then the states as they are: with rounding `single` equal to LiteRT's
            reference kernels to the last integer, with `double` to TFLite Micro's.
        call: the operator in C.
        macs: multiply-accumulates of one inference.
        distances: for each tensor that `call` passes, bytes that it must start above the output to be overwritten
            (see `access`); None or nothing where it must not be.
        cases: draws one test case: random shapes and quantization, with ties, saturation and extreme zero points planted.
    """

    kind: str
    code: int
    options_code: int
    options: type | None
    summary: str
    lower: Callable[[Graph, Op, Rounding], P]
    reference: Callable[[P, Sequence[Array]], tuple[Array, ...]]
    call: Callable[[P], Call | View]
    macs: Callable[[P], int]
    cases: Callable[[np.random.Generator], Case]
    distances: Callable[[P], tuple[int | None, ...]] = apart


AnyOperator = Operator[Any]
