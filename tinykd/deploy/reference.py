"""Who computes the expected integers: LiteRT's reference kernels, or for double rounding the NumPy program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.program import Program
from tinykd.compile.simulate import simulate


class Reference(Protocol):
    """Computes a model independently of the C under test."""

    @property
    def name(self) -> str: ...

    def reset(self) -> None:
        """Set the model's states to their start."""

    def run(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """Every tensor that a layer computes, by tensor index, of the inference that follows those since the last reset."""


@dataclass(frozen=True, eq=False)
class LiteRT:
    """LiteRT's reference kernels: the judge of `single` rounding."""

    program: Program
    interpreter: ReferenceInterpreter
    name: str = "LiteRT's reference kernels"

    def reset(self) -> None:
        if self.program.graph.states:
            self.interpreter.reset()

    def run(self, inputs: Sequence[Array]) -> dict[int, Array]:
        self.interpreter.run(inputs)
        graph = self.program.graph
        wanted = {i for layer in self.program.layers for i in layer.op.outputs} | set(graph.outputs)
        return {index: _as(graph.tensors[index].dtype, self.interpreter.tensor(graph.tensors[index].source)) for index in wanted}


def _as(dtype: str, value: Array) -> Array:
    """LiteRT's integers, less 128 where a rewrite made int8 of the model's uint8."""
    return (value ^ np.uint8(128)).view(np.int8) if (dtype, value.dtype.name) == ("int8", "uint8") else value


@dataclass(eq=False)
class Numpy:
    """The program in NumPy, whose double rounding equals TFLite Micro."""

    program: Program
    states: dict[int, Array] | None = None
    name: str = "the NumPy program (double rounding, as TFLite Micro)"

    def reset(self) -> None:
        self.states = None

    def run(self, inputs: Sequence[Array]) -> dict[int, Array]:
        values = simulate(self.program, inputs, self.states)
        self.states = {state.tensor: values[state.tensor] for state in self.program.graph.states}
        return values


def reference(program: Program, model: bytes) -> Reference:
    """The judge for `program`, by its rounding."""
    if program.rounding == "single":
        return LiteRT(program, ReferenceInterpreter(model))
    return Numpy(program)
