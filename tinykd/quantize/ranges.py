"""Activation quantizers for tensorflow-model-optimization whose ranges are measured, not guessed. Importing this imports it."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import model_optimization, tensorflow

_quantizers = model_optimization().quantization.keras.quantizers


class MeasuredRange(_quantizers.Quantizer):  # type: ignore[misc,name-defined]
    """Moving averages of a batch's extremes, with a decay that can change while training.

    Args:
        original: The library's quantizer, for its number of bits and the variables it built.
        decay: Scalar variable: weight of the old range. With `1 - 1/k` at batch `k` the range is the plain average.
    """

    def __init__(self, original: Any, decay: Any) -> None:
        self.original = original
        self.decay = decay

    def build(self, tensor_shape: Any, name: str, layer: Any) -> Any:
        """Variables of the range."""
        return self.original.build(tensor_shape, name, layer)

    def __call__(self, inputs: Any, training: bool, weights: Any, **_: Any) -> Any:
        """`inputs` rounded to the range's steps; in training the range moves first. Zero is always inside the range."""
        tf = tensorflow()
        low, high = weights["min_var"], weights["max_var"]
        if training:
            new_low = self.decay * low + (1.0 - self.decay) * tf.minimum(tf.reduce_min(inputs), 0.0)
            new_high = self.decay * high + (1.0 - self.decay) * tf.maximum(tf.reduce_max(inputs), 0.0)
            low, high = low.assign(new_low), high.assign(new_high)
        return tf.quantization.fake_quant_with_min_max_vars(
            inputs, low, high, num_bits=self.original.num_bits, narrow_range=self.original.narrow_range
        )

    def get_config(self) -> dict[str, Any]:
        """None: a model with these quantizers is rebuilt, never deserialised."""
        return {}


class InputRange(_quantizers.Quantizer):  # type: ignore[misc,name-defined]
    """A constant range for the network's input, at which real inputs become integers on the device.

    Args:
        low: At most 0.
        high: At least 0.
    """

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def build(self, tensor_shape: Any, name: str, layer: Any) -> Any:  # noqa: ARG002
        """No variables."""
        return {}

    def __call__(self, inputs: Any, training: bool, weights: Any, **_: Any) -> Any:  # noqa: ARG002
        """`inputs` rounded to 256 steps of the range."""
        return tensorflow().quantization.fake_quant_with_min_max_args(inputs, self.low, self.high, num_bits=8)

    def get_config(self) -> dict[str, Any]:
        """None: a model with these quantizers is rebuilt, never deserialised."""
        return {}
