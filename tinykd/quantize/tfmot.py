"""The `tfmot` engine: the student's twin in tf_keras, trained with tensorflow-model-optimization's fake quantization.

Weights are rounded per channel, symmetrically, at their last extremes; activations per tensor. Batch norm stays a layer while
training and is folded by the converter: a scale per channel commutes with a rounding per channel.

The library's activation ranges are moving averages with decay 0.999 that start at [-6, 6]: on a small data set they never
arrive. Here ranges start measured, follow with a decay that suits few steps, and are measured again before evaluation. The
input's range is that of the calibration samples, exactly, and never moves.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd import nets
from tinykd.compile.compact import compact
from tinykd.compile.reader import read_model
from tinykd.distill.batch_norm import batch_norm_layers, reestimate_batch_norm
from tinykd.distill.keras_modules import model_optimization, native_stderr_hidden, tensorflow
from tinykd.distill.keras_modules import tf_keras as _tf_keras
from tinykd.errors import UnsupportedModel
from tinykd.quantize.layer_error import LayerError
from tinykd.recipe.model import Net

#: Weight of the old activation range in one training step.
TRAINING_DECAY = 0.98

#: Samples in one measured batch of activation ranges.
BATCH_SAMPLES = 128


class FloatTensors(UnsupportedModel):
    """The converter left an operator in floating point."""


class TfmotEngine:
    """See `tinykd.quantize.engine.Engine`."""

    def keras(self) -> ModuleType:
        """tf_keras."""
        return _tf_keras()

    def prepare(self, student: Any, net: Net, calibration: NDArray[np.float32], steps: int = 1) -> Any:  # noqa: ARG002
        """The quantization-aware twin of `student`. See `Engine.prepare`."""
        tfmot = model_optimization()
        # Layers that quantization adds are named by a counter of the process, and their names end up in the .tflite.
        _tf_keras().backend.reset_uids()
        model = tfmot.quantization.keras.quantize_model(twin(student, net))
        decay = tensorflow().Variable(TRAINING_DECAY, trainable=False, name="range_decay")
        model.range_decay = decay
        for layer in model.layers:
            _replace_quantizers(layer, decay, calibration)
        _measure_ranges(model, calibration)
        return model

    def settle(self, model: Any, calibration: NDArray[np.float32]) -> None:
        """Batch norm first, because the ranges of what it produces depend on it. See `Engine.settle`."""
        reestimate_batch_norm(model, calibration)
        _measure_ranges(model, calibration)

    def convert(self, model: Any) -> bytes:
        """See `Engine.convert`."""
        tf = tensorflow()
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        try:
            with native_stderr_hidden():
                data = bytes(converter.convert())
        except Exception as error:  # the converter raises whatever it meets
            text = str(error).strip().splitlines()
            raise UnsupportedModel(
                f"the converter refuses the quantized student: {text[0] if text else type(error).__name__}",
                "use an architecture of tinykd.nets, or its kinds of layers",
            ) from error
        refuse_float_tensors(data)
        return compact(data)

    def errors(self, model: Any, x: NDArray[np.float32]) -> tuple[LayerError, ...]:  # noqa: ARG002
        """Nothing: its layers are rounded by the converter, out of sight. See `Engine.errors`."""
        return ()


def twin(student: Any, net: Net) -> Any:
    """`student` again in tf_keras, with its weights, matched by the layers' names.

    Args:
        student: Keras 3 model.
        net: The architecture it was built from.

    Raises:
        UnsupportedModel: the student is not what `net` describes.
    """
    copy = nets.build(net.net, _tf_keras(), tuple(student.input_shape[1:]), student.output_shape[-1], **net.knobs)
    weights = {layer.name: layer.get_weights() for layer in student.layers if layer.get_weights()}
    wanted = {layer.name for layer in copy.layers if layer.get_weights()}
    if set(weights) != wanted:
        odd = sorted(set(weights) ^ wanted)
        raise UnsupportedModel(
            f"the student's layers are not those of {net.net}: {', '.join(odd[:5])}",
            f"quantization-aware training rebuilds the student by name: train a student of net {net.net} with the same knobs",
        )
    for layer in copy.layers:
        if layer.name in weights:
            try:
                layer.set_weights(weights[layer.name])
            except ValueError as error:
                raise UnsupportedModel(f"layer '{layer.name}' has other shapes in the student than in {net.net}: {error}") from None
    return copy


def refuse_float_tensors(data: bytes) -> None:
    """Fail if a converted model computes anything in floating point.

    Raises:
        FloatTensors: naming the first such operator.
    """
    graph = read_model(data)
    for op in graph.ops:
        if any(tensor.dtype == "float32" for tensor in graph.op_tensors(op)):
            raise FloatTensors(f"{graph.label(op)} computes in float32", "the layer has no int8 form: use another one")


def _replace_quantizers(layer: Any, decay: Any, calibration: NDArray[np.float32]) -> None:
    """Give one layer of a quantized model this engine's activation quantizers."""
    from tinykd.quantize.ranges import InputRange, MeasuredRange

    kind = type(layer).__name__
    if kind == "QuantizeLayer":
        layer.quantizer = InputRange(float(min(0.0, calibration.min())), float(max(0.0, calibration.max())))
        return
    if not kind.startswith("QuantizeWrapper"):
        return
    # A wrapper keeps its quantizers in two places: one for activations inside the layer, one for the layer's output.
    for activation in layer._quantize_activations:
        activation.quantizer = MeasuredRange(activation.quantizer, decay)
    if layer._output_quantizers:
        layer._output_quantizers[0] = MeasuredRange(layer._output_quantizers[0], decay)


def _measure_ranges(model: Any, calibration: NDArray[np.float32]) -> None:
    """Set every activation range to the mean of the batches' extremes, batch norm at its stored statistics left as it is.

    The pass runs in training mode, since only then are ranges collected, so batch norm sees the batch's own statistics, which
    its momentum of 1 keeps out of the stored ones.
    """
    tf = tensorflow()
    norms = batch_norm_layers(model)
    momenta = [layer.momentum for layer in norms]
    order = np.random.default_rng(0).permutation(len(calibration))
    batches = max(1, len(calibration) // BATCH_SAMPLES)
    try:
        for layer in norms:
            layer.momentum = 1.0
        collect = tf.function(lambda x: model(x, training=True), autograph=False, reduce_retracing=True)
        for number in range(batches):
            model.range_decay.assign(1.0 - 1.0 / (number + 1))
            collect(calibration[order[number::batches]])
    finally:
        model.range_decay.assign(TRAINING_DECAY)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
