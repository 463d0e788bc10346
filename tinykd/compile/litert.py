"""LiteRT's reference kernels: the judge of every integer.

Only the `BUILTIN_REF` resolver is an oracle. The default interpreter (XNNPACK) and the optimised kernels
differ from it by an integer or more on real models.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinykd.compile.graph import Array
from tinykd.errors import ToolError, UnsupportedModel


def _interpreter_module() -> Any:
    for name in ("ai_edge_litert.interpreter", "tflite_runtime.interpreter"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ToolError("neither ai-edge-litert nor tflite_runtime is installed", "pip install ai-edge-litert")


class ReferenceInterpreter:
    """A model run by LiteRT's reference kernels, with every intermediate tensor kept.

    Raises:
        ToolError: no LiteRT is installed.
        UnsupportedModel: LiteRT refuses the model.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Start anew: what variables hold is as in a fresh interpreter, resource variables included."""
        module = _interpreter_module()
        try:
            self._interpreter = module.Interpreter(
                model_content=self._model,
                experimental_op_resolver_type=module.OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=True,
            )
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise UnsupportedModel(f"LiteRT cannot load the model: {error}") from error
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()

    @property
    def input_dtypes(self) -> tuple[str, ...]:
        """The dtype of each of the model's own inputs."""
        return tuple(np.dtype(detail["dtype"]).name for detail in self._inputs)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Outputs of one inference; `inputs` in the model's order, with its shapes and dtypes."""
        for detail, value in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(detail["index"], value)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise UnsupportedModel(f"LiteRT cannot run the model: {error}") from error
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]

    def tensor(self, index: int) -> Array:
        """The tensor with the model's own `index`, as the last `run` left it."""
        value: Array = self._interpreter.get_tensor(index)
        return value
