"""Keras layers with weights for the widest configuration that compute with the leading channels of any.

Kernels are sliced by integers that may be tensors, so that one traced step serves every drawn configuration, and each costs what its
width costs. Channel counts are then unknown to Keras, which only matters to what checks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.netaug.cut import Configuration, WideVariable, leading, tiny_positions
from tinykd.distill.netaug.groups import Layout

keras = _keras()
ops = keras.ops

Side = Literal["entering", "leaving"]


class Elastic:
    """What all of them have.

    Attributes:
        configuration: Of the supernet; shared by its layers.
        entering, leaving: Channels of input and output.
        AXES: Which axes of which weights run over them, counted from the end.
    """

    AXES: Mapping[str, Mapping[int, Side]] = {}
    configuration: Configuration
    entering: Layout
    leaving: Layout

    def wide_variables(self) -> list[WideVariable]:
        """The layer's weights, in the order of Keras's `variables`."""
        named = {id(getattr(self, name)): axes for name, axes in self.AXES.items() if getattr(self, name, None) is not None}
        return [
            WideVariable(variable, {axis: getattr(self, side) for axis, side in named[id(variable)].items()})
            for variable in self.variables  # type: ignore[attr-defined]
            if id(variable) in named
        ]

    def cut(self, name: str) -> Any:
        """A weight's part that the configuration uses; None if the layer does without."""
        variable = getattr(self, name, None)
        if variable is None:
            return None
        value = ops.convert_to_tensor(variable)
        # The axis of the inputs first: it may be cut into parts, for which the other must still be known.
        for axis, side in sorted(self.AXES[name].items()):
            value = leading(value, axis, getattr(self, side), self.configuration)
        return value

    def ended(self, outputs: Any) -> Any:
        """Bias and activation."""
        bias = self.cut("bias")
        if bias is not None:
            outputs = outputs + bias
        activation = getattr(self, "activation", None)
        return outputs if activation is None else activation(outputs)

    def build(self, input_shape: Any) -> None:
        """Weights of the widest configuration."""
        super().build(input_shape)  # type: ignore[misc]
        # Keras would insist on the widest input.
        self.input_spec = None


KERNEL: Mapping[str, Mapping[int, Side]] = {"kernel": {-2: "entering", -1: "leaving"}, "bias": {-1: "leaving"}}
DEPTHWISE: Mapping[str, Mapping[int, Side]] = {"kernel": {-2: "entering"}, "bias": {-1: "leaving"}}
STATISTICS = ("moving_mean", "moving_variance")
CHANNELS: Mapping[str, Mapping[int, Side]] = {name: {-1: "leaving"} for name in ("gamma", "beta", *STATISTICS)}


class _Convolution(Elastic):
    AXES = KERNEL

    def call(self, inputs: Any) -> Any:
        """`[batch, ..., channels in] -> [batch, ..., channels out]`."""
        return self.ended(self.convolution_op(inputs, self.cut("kernel")))  # type: ignore[attr-defined]


class _Depthwise(Elastic):
    AXES = DEPTHWISE

    def call(self, inputs: Any) -> Any:
        """`[batch, ..., channels] -> [batch, ..., channels]`."""
        windows = {name: getattr(self, name) for name in ("strides", "padding", "dilation_rate", "data_format")}
        return self.ended(ops.depthwise_conv(inputs, self.cut("kernel"), **windows))


class ElasticConv1D(_Convolution, keras.layers.Conv1D):  # type: ignore[misc,name-defined]
    """Conv1D."""


class ElasticConv2D(_Convolution, keras.layers.Conv2D):  # type: ignore[misc,name-defined]
    """Conv2D."""


class ElasticDepthwiseConv1D(_Depthwise, keras.layers.DepthwiseConv1D):  # type: ignore[misc,name-defined]
    """DepthwiseConv1D with one filter a channel."""


class ElasticDepthwiseConv2D(_Depthwise, keras.layers.DepthwiseConv2D):  # type: ignore[misc,name-defined]
    """DepthwiseConv2D with one filter a channel."""


class ElasticDense(Elastic, keras.layers.Dense):  # type: ignore[misc,name-defined]
    """Dense."""

    AXES = KERNEL

    def call(self, inputs: Any) -> Any:
        """`[batch, ..., features in] -> [batch, ..., features out]`."""
        return self.ended(ops.matmul(inputs, self.cut("kernel")))


class ElasticBatchNormalization(Elastic, keras.layers.BatchNormalization):  # type: ignore[misc,name-defined]
    """BatchNormalization whose moving statistics are the tiny network's: no other pass moves them."""

    AXES = CHANNELS

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002
        """`[batch, ..., channels] -> [batch, ..., channels]`."""
        if training and self.trainable:
            mean, variance = ops.moments(inputs, axes=list(range(len(inputs.shape) - 1)))
            if self.configuration.tiny:
                for name, measured in zip(STATISTICS, (mean, variance), strict=True):
                    self._move(name, measured)
        else:
            mean, variance = (self.cut(name) for name in STATISTICS)
        return ops.batch_normalization(
            inputs, mean, variance, axis=-1, offset=self.cut("beta"), scale=self.cut("gamma"), epsilon=self.epsilon
        )

    def _move(self, name: str, measured: Any) -> None:
        moved = self.cut(name) * self.momentum + measured * (1.0 - self.momentum)
        places = tiny_positions(self.configuration.groups, self.leaving)[:, None]
        variable = getattr(self, name)
        variable.assign(tensorflow().tensor_scatter_nd_update(ops.convert_to_tensor(variable), places, moved))


ELASTIC: dict[str, Any] = {
    "Conv1D": ElasticConv1D,
    "Conv2D": ElasticConv2D,
    "DepthwiseConv1D": ElasticDepthwiseConv1D,
    "DepthwiseConv2D": ElasticDepthwiseConv2D,
    "Dense": ElasticDense,
    "BatchNormalization": ElasticBatchNormalization,
}

#: What a layer calls its channels, where it has to be told.
COUNTED = {"Conv1D": "filters", "Conv2D": "filters", "Dense": "units"}


def elastic(layer: Any, configuration: Configuration, entering: Layout, leaving: Layout) -> Any:
    """The elastic layer for a Keras layer, under its name, with fresh weights to be built."""
    kind = type(layer).__name__
    config = layer.get_config()
    if kind in COUNTED:
        (part,) = leaving.parts
        config[COUNTED[kind]] = configuration.groups[part].widest if part >= 0 else -part
    made = ELASTIC[kind].from_config(config)
    made.configuration, made.entering, made.leaving = configuration, entering, leaving
    return made
