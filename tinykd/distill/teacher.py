"""Teachers: a function from inputs to logits, whatever file they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.evaluation import predictor
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import native_stderr_hidden, tensorflow
from tinykd.distill.keras_modules import tf_keras as _tf_keras
from tinykd.distill.layout import Layout, channels_first, channels_last, shape_channels_last
from tinykd.distill.model_config import read_config
from tinykd.distill.onnx_model import OnnxModel
from tinykd.distill.outside_outputs import is_outputs
from tinykd.distill.tap import LOGITS, layer_shapes, tap
from tinykd.errors import RecipeError, UnsupportedModel, UsageError
from tinykd.quantize.integers import TfliteModel

OutputKind = Literal["logits", "probabilities"]
Outputs = Callable[[NDArray[np.float32]], NDArray[np.float32]]

#: Smallest probability that a float teacher is believed to mean; below it stands an underflow.
SMALLEST_PROBABILITY = 1e-12


@dataclass(frozen=True)
class Network:
    """A loaded network.

    Attributes:
        outputs: `[samples, ...] -> [samples, classes]`, in batches.
        input_shape: Of one sample; None where any size goes.
        parameters: Number of weights, or None if the file does not say.
        smallest_probability: Least probability above 0 that its outputs resolve.
        model: The Keras model, whose layers can be read; None for other files.
    """

    outputs: Outputs
    input_shape: tuple[int | None, ...]
    parameters: int | None
    smallest_probability: float = SMALLEST_PROBABILITY
    model: Any = None


@dataclass(frozen=True)
class Teacher:
    """A fixed network whose logits, and layers, a student learns from.

    Attributes:
        network: What computes them.
        kind: What it returns.
        classes: Of the data.
        source: Its file, for messages.
        layout: Of its maps.
        input_layout: Of its inputs; the data's are always channels last.
    """

    network: Network
    kind: OutputKind
    classes: int
    source: str
    layout: Layout = "channels_last"
    input_layout: Layout = "channels_last"

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 `[samples, classes]`; probabilities become logits by their logarithm.

        Raises:
            UnsupportedModel: other than `classes` outputs a sample, or NaN.
            RecipeError: the outputs are not of the kind that the recipe says.
        """
        return self._checked(self.network.outputs(self._given(x)))

    @property
    def layers(self) -> Mapping[str, tuple[int, ...]]:
        """What `reader` can read: the shape of one sample's output by layer, in order of the forward pass, logits last."""
        if self.network.model is None:
            return {LOGITS: (self.classes,)}
        try:
            shapes = layer_shapes(self.network.model)
        except UnsupportedModel:  # no graph of layers, but logits all the same
            return {LOGITS: (self.classes,)}
        return {name: shape_channels_last(shape, self.layout) for name, shape in shapes.items()}

    def reader(self, layers: tuple[str, ...] = ()) -> Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]:
        """`inputs [samples, ...] -> {"logits": [samples, classes], layer: [samples, ...]}`, float32, in one pass.

        Raises:
            UnsupportedModel: a layer cannot be read; the function raises as `logits` does.
        """
        if not layers:
            return lambda x: {LOGITS: self.logits(x)}
        if self.network.model is None:
            raise UnsupportedModel(
                f"{self.source} shows no layers, so {layers[0]} cannot be read",
                "give a Keras teacher (.keras, .h5), or store its features beside its logits",
            )
        tapped = tap(self.network.model, layers)
        forward = tensorflow().function(lambda x: tapped(x, training=False), autograph=False, reduce_retracing=True)

        def read(x: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
            outputs = {name: channels_last(np.asarray(value, np.float32), self.layout) for name, value in forward(self._given(x)).items()}
            return outputs | {LOGITS: self._checked(outputs[LOGITS])}

        return read

    def _given(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return channels_first(x) if self.input_layout == "channels_first" else x

    def _checked(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        if outputs.ndim != 2 or outputs.shape[1] != self.classes:
            raise UnsupportedModel(
                f"{self.source}: outputs have shape {list(outputs.shape[1:])} a sample; the data has {self.classes} classes",
                "the teacher must give one logit (or probability) a class",
            )
        if not np.isfinite(outputs).all():
            raise UnsupportedModel(f"{self.source}: outputs hold NaN or infinity", "check the teacher on a few samples")
        looks_like_probabilities = bool(outputs.min() >= -1e-6 and np.allclose(outputs.sum(axis=1), 1.0, atol=0.05))
        if self.kind == "logits":
            if looks_like_probabilities:
                raise RecipeError(
                    f"{self.source}: every row of outputs sums to 1: these are probabilities, not logits",
                    'set teacher.outputs = "probabilities"',
                )
            return outputs
        if not looks_like_probabilities:
            raise RecipeError(f"{self.source}: outputs are not probabilities: rows do not sum to 1", 'set teacher.outputs = "logits"')
        return np.log(np.maximum(outputs, self.network.smallest_probability)).astype(np.float32)


def load_teacher(path: Path, kind: OutputKind, input_shape: tuple[int, ...], classes: int, layout: Layout = "channels_last") -> Teacher:
    """The teacher in a `.keras` (either Keras), `.h5`, `.tflite`, `.onnx` file or SavedModel folder.

    Where it takes `[channels, height, width]`, as PyTorch's models do, it is given that.

    Args:
        path: File or folder.
        kind: What the network returns.
        input_shape: Of one sample of the data.
        classes: Of the data.
        layout: Of its maps, for losses that compare layers.

    Raises:
        UsageError: nothing is there, or its kind is unknown.
        UnsupportedModel: it cannot be read, holds code, or takes inputs of another shape.
    """
    network = READERS[teacher_kind(path)](path)
    expected = network.input_shape
    first = (*input_shape[-1:], *input_shape[:-1])
    if len(input_shape) == 3 and not _takes(expected, input_shape) and _takes(expected, first):
        return Teacher(network, kind, classes, str(path), layout, "channels_first")
    if not _takes(expected, input_shape):
        raise UnsupportedModel(
            f"{path}: the teacher takes inputs of shape {list(expected)}, the data has {list(input_shape)}",
            "give a teacher trained on this data's shape, or store its outputs in an .npz and pass that",
        )
    return Teacher(network, kind, classes, str(path), layout)


def _takes(expected: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(expected) == len(shape) and all(want in (None, have) for want, have in zip(expected, shape, strict=True))


def teacher_kind(path: Path) -> str:
    """How a teacher's file is read: a key of `READERS`, or ".npz" for stored outputs, archive or folder.

    Raises:
        UsageError: nothing is there, or its kind is unknown.
    """
    if not path.exists():
        raise UsageError(f"there is no teacher at {path}", "correct --teacher or teacher.path")
    if is_outputs(path):
        return STORED
    suffix = "" if path.is_dir() else path.suffix.lower()
    if suffix not in READERS or (suffix == "" and path.is_file()):
        raise UsageError(f"{path}: a teacher of kind {suffix or 'file without suffix'} is unknown", f"give {', '.join(KINDS)}")
    return suffix


def keras_network(model: Any) -> Network:
    """A model of either Keras as a network."""
    return Network(predictor(model), tuple(model.input_shape[1:]), int(model.count_params()), model=model)


def _read_keras(path: Path) -> Network:
    """`.keras` and HDF5 of either Keras: the file says which wrote it."""
    config = read_config(path)
    loader = _tf_keras if config.keras_version.startswith(("1", "2")) else _keras
    try:
        with native_stderr_hidden():
            model = loader().models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its layers raise
        raise UnsupportedModel(
            f"{path}: Keras cannot load it: {_first_line(error)}", "save it again with model.save('teacher.keras')"
        ) from None
    if not isinstance(model.input_shape, tuple) or not isinstance(model.output_shape, tuple):
        raise UnsupportedModel(f"{path}: the teacher has several inputs or outputs", "give a model of one input and one output")
    return keras_network(model)


def _read_saved_model(path: Path) -> Network:
    tf = tensorflow()
    try:
        with native_stderr_hidden():
            loaded = tf.saved_model.load(str(path))
            function = loaded.signatures["serving_default"]
    except Exception as error:  # TensorFlow raises many kinds
        raise UnsupportedModel(
            f"{path} is not a SavedModel with a signature serving_default: {_first_line(error)}", "export it with model.export(folder)"
        ) from None
    arguments = function.structured_input_signature[1]
    if len(arguments) != 1 or len(function.structured_outputs) != 1:
        raise UnsupportedModel(f"{path}: the teacher has several inputs or outputs", "give a model of one input and one output")
    ((argument, spec),) = arguments.items()
    (output,) = function.structured_outputs
    shape: tuple[int | None, ...] = tuple(spec.shape.as_list()[1:])

    # The signature closes over `loaded`'s variables but does not keep them alive.
    def forward(x: Any, training: bool, keep: Any = loaded) -> Any:  # noqa: ARG001
        return function(**{argument: x})[output]

    parameters = sum(int(np.prod(variable.shape)) for variable in function.variables)
    return Network(predictor(forward), shape, parameters or None)


def _read_tflite(path: Path) -> Network:
    model = TfliteModel(path.read_bytes())
    # An output of 0 quanta is any probability below half a quantum.
    return Network(model.real_outputs, model.input_shape, None, max(SMALLEST_PROBABILITY, model.output_step / 2))


def _read_onnx(path: Path) -> Network:
    model = OnnxModel(path)
    return Network(model.outputs, model.input_shape, None)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:300] if text else type(error).__name__


READERS: dict[str, Callable[[Path], Network]] = {
    ".keras": _read_keras,
    ".h5": _read_keras,
    ".hdf5": _read_keras,
    ".tflite": _read_tflite,
    ".onnx": _read_onnx,
    "": _read_saved_model,
}

#: Stored outputs: read by `tinykd.distill.outside_outputs`, not a network.
STORED = ".npz"

KINDS = (".keras", ".h5", ".tflite", ".onnx", "a SavedModel folder", "stored outputs (.npz or a folder)")
