"""ONNX models, from PyTorch, JAX or anything else, run by onnxruntime where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.errors import ToolError, UnsupportedModel

#: What onnxruntime calls the floating-point types that a teacher may take.
FLOATS: dict[str, type[np.floating[Any]]] = {"tensor(float16)": np.float16, "tensor(float)": np.float32, "tensor(double)": np.float64}

#: Samples at once where the model takes any number.
BATCH_SAMPLES = 256


class OnnxModel:
    """One input, one output; computed on the processor.

    Attributes:
        input_shape: Of one sample, as the file has it; None where any size goes.
    """

    def __init__(self, path: Path) -> None:
        """Load a model.

        Raises:
            ToolError: onnxruntime is not installed.
            UnsupportedModel: it is damaged, uses operators that onnxruntime lacks, or has other inputs and outputs.
        """
        try:
            import onnxruntime
        except ImportError:
            raise ToolError("an ONNX teacher needs onnxruntime, which is not installed", "pip install 'tinykd[onnx]'") from None
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception a status code
            raise UnsupportedModel(
                f"{path}: onnxruntime cannot load it: {str(error).strip().splitlines()[-1][:300]}", "export the teacher to ONNX again"
            ) from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise UnsupportedModel(f"{path}: the teacher has several inputs or outputs", "export a model of one input and one output")
        if inputs[0].type not in FLOATS:
            raise UnsupportedModel(f"{path}: the teacher takes {inputs[0].type}, not floating point", "export it with float32 inputs")
        self._name, self._dtype = inputs[0].name, FLOATS[inputs[0].type]
        batch, *rest = (size if isinstance(size, int) else None for size in inputs[0].shape or (None,))
        self._batch = batch
        self.input_shape: tuple[int | None, ...] = tuple(rest)

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 `[samples, ...]` of `[samples, *input_shape]`, in batches of the size that the model asks for."""
        size = self._batch or BATCH_SAMPLES
        return np.concatenate([self._run(x[start : start + size]) for start in range(0, len(x), size)])

    def _run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        samples = len(x)
        if self._batch is not None and samples < self._batch:
            x = np.concatenate([x, np.repeat(x[-1:], self._batch - samples, axis=0)])
        (outputs,) = self._session.run(None, {self._name: np.ascontiguousarray(x, self._dtype)})
        return np.asarray(outputs, np.float32)[:samples]
