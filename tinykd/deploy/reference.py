"""Who computes the expected integers: LiteRT's reference kernels, or for double rounding the NumPy program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.program import Program, lower
from tinykd.compile.simulate import simulate
from tinykd.deploy.interface import model_input
from tinykd.errors import ToolError


class Reference(Protocol):
    """Computes a model independently of the C under test."""

    @property
    def name(self) -> str: ...

    def reset(self) -> None:
        """Set the model's states to their start."""

    def run(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """Every tensor that a layer computes, by tensor index, of the inference that follows those since the last reset.

        Tensors are the model's own: with all channels, where a rewrite removed some (see `graph.Reduced`).
        """


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
        graph, dtypes = self.program.graph, self.interpreter.input_dtypes
        fed = [model_input(graph.tensors[i], value, dtype) for i, value, dtype in zip(graph.inputs, inputs, dtypes, strict=True)]
        self.interpreter.run(fed)
        self._check_inputs(inputs)
        wanted = {i for layer in self.program.layers for i in layer.op.outputs} | set(graph.outputs)
        return {index: _as(graph.tensors[index].dtype, self.interpreter.tensor(graph.tensors[index].source)) for index in wanted}

    def _check_inputs(self, inputs: Sequence[Array]) -> None:
        """LiteRT's own QUANTIZE must make of what it was fed the very integers that the firmware gets.

        Raises:
            ToolError: it does not.
        """
        for index, value, dtype in zip(self.program.graph.inputs, inputs, self.interpreter.input_dtypes):
            tensor = self.program.tensor(index)
            if value.dtype != dtype and not np.array_equal(_as(tensor.dtype, self.interpreter.tensor(tensor.source)), value):
                raise ToolError(f"LiteRT quantizes '{tensor.name}' to other integers", "verify without --integer-io, and report the model")


def _as(dtype: str, value: Array) -> Array:
    """LiteRT's integers, less 128 where a rewrite made int8 of the model's uint8."""
    return (value ^ np.uint8(128)).view(np.int8) if (dtype, value.dtype.name) == ("int8", "uint8") else value


@dataclass(eq=False)
class Numpy:
    """The model in NumPy, before any rewrite of its layers; its double rounding equals TFLite Micro."""

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
    return Numpy(lower(program.graph.whole(), program.rounding))
