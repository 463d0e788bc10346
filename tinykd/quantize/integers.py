"""What a `.tflite` really answers: its integers, computed by LiteRT's reference kernels, one sample at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Quant
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.reader import read_model
from tinykd.errors import UnsupportedModel


def quantize(x: NDArray[np.float32], quant: Quant, dtype: str) -> NDArray[Any]:
    """`clip(round(x / scale) + zero_point)`, half to even, in the range of `dtype`; the shape of `x`."""
    limits = np.iinfo(dtype)
    steps = np.round(x.astype(np.float64) / quant.scale) + quant.zero_point
    return np.clip(steps, limits.min, limits.max).astype(dtype)


def dequantize(q: NDArray[Any], quant: Quant) -> NDArray[np.float32]:
    """`scale * (q - zero_point)`; the shape of `q`."""
    return (quant.scale * (q.astype(np.float64) - quant.zero_point)).astype(np.float32)


class TfliteModel:
    """A `.tflite` of one input and one output, either of them integer or float32.

    Attributes:
        input_shape: Of one sample.
        input_quant: Of the input, None if it is float32.
        output_quant: Of the output, None if it is float32.

    Raises:
        UnsupportedModel: it cannot be read, or has several inputs or outputs, or a batch other than 1.
    """

    def __init__(self, data: bytes) -> None:
        graph = read_model(data)
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise UnsupportedModel(
                f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs", "give a model of one input and one output"
            )
        source, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        if not source.shape or source.shape[0] != 1:
            raise UnsupportedModel(f"input '{source.name}' has shape {list(source.shape)}, not batch 1", "convert it with a batch of 1")
        self.input_shape = source.shape[1:]
        self.input_dtype = source.dtype
        self.input_quant = source.quant if source.dtype != "float32" else None
        self.output_quant = result.quant if result.dtype != "float32" else None
        self._interpreter = ReferenceInterpreter(data)

    @property
    def output_step(self) -> float:
        """The real value of one integer step of the output; 0 if it is float32."""
        return self.output_quant.scale if self.output_quant else 0.0

    def quantized_inputs(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """`[samples, ...]` as the model takes them."""
        return quantize(x, self.input_quant, self.input_dtype) if self.input_quant else x.astype(self.input_dtype)

    def run(self, inputs: NDArray[Any], tick: Callable[[], None] = lambda: None) -> NDArray[Any]:
        """Outputs `[samples, outputs]` in the model's own dtype for inputs in the model's own dtype; `tick` is called after each."""
        results = []
        for sample in inputs:
            (output,) = self._interpreter.run([sample[np.newaxis]])
            results.append(np.array(output).reshape(-1))
            tick()
        return np.stack(results)

    def real_outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """`[samples, ...]` real inputs -> `[samples, outputs]` real outputs."""
        outputs = self.run(self.quantized_inputs(x))
        return dequantize(outputs, self.output_quant) if self.output_quant else outputs.astype(np.float32)
