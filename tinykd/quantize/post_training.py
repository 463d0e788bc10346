"""Quantization without training: a trained Keras network through the TensorFlow Lite converter, in three forms.

    float          float32 weights, float32 arithmetic: the size to compare with
    dynamic_range  int8 weights, float32 activations that the interpreter rounds to int8 as they come
    int8           integers only, activation ranges from a representative data set

Nothing here needs to know the architecture: the converter is given the traced inference function of one sample.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.compact import compact
from tinykd.distill.keras_modules import native_stderr_hidden, tensorflow
from tinykd.errors import UnsupportedModel
from tinykd.quantize.tfmot import refuse_float_tensors

Samples = NDArray[np.float32]


def float_model(model: Any) -> bytes:
    """`model` as a float32 `.tflite` of batch 1.

    Args:
        model: Trained network of either Keras, one input `[batch, ...]`, one output `[batch, classes]`.

    Raises:
        UnsupportedModel: the converter refuses it.
    """
    return _converted(_converter(model))


def dynamic_range_model(model: Any) -> bytes:
    """`model` with int8 weights (of at least 1024 values a tensor: the converter leaves smaller ones) and float32 everywhere else.

    Args and raises as `float_model`.
    """
    converter = _converter(model)
    converter.optimizations = [tensorflow().lite.Optimize.DEFAULT]
    return _converted(converter)


def int8_model(model: Any, calibration: Samples) -> bytes:
    """`model` in integers only, int8 in, int8 out: weights per channel, activations per tensor at the extremes of `calibration`.

    Args:
        model: As `float_model`.
        calibration: Plain training inputs `[samples, ...]`, the representative data set.

    Raises:
        UnsupportedModel: the converter refuses it, or a layer has no int8 form.
    """
    tf = tensorflow()

    def representative() -> Iterator[list[Samples]]:
        for sample in calibration:
            yield [sample[np.newaxis]]

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    data = _converted(converter)
    refuse_float_tensors(data)
    return compact(data)


def _converter(model: Any) -> Any:
    tf = tensorflow()
    # Warns at every conversion that variables become constants.
    logging.getLogger("absl").setLevel(logging.ERROR)
    spec = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="input")
    concrete = tf.function(lambda x: model(x, training=False), autograph=False).get_concrete_function(spec)
    # Without the model beside it the converter takes variables as constants.
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete])


def _converted(converter: Any) -> bytes:
    try:
        with native_stderr_hidden():
            return bytes(converter.convert())
    except Exception as error:  # the converter raises whatever it meets
        text = str(error).strip().splitlines()
        raise UnsupportedModel(
            f"the converter refuses the network: {text[0] if text else type(error).__name__}", "use the layers of tinykd.nets"
        ) from error
