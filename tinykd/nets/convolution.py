"""A convolution with its batch normalization and rectifier: the only form that folds into one int8 operator.

The convolution has no bias of its own: the normalization's shift becomes the bias when both are folded.
Padding is SAME everywhere, so that any input size works. Initialization is He 2015 (normal, fan in).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

#: Weight of the old moving statistics in one step. Small data sets make few steps per epoch: 0.99 would lag behind.
MOMENTUM = 0.9


def conv_bn(keras: ModuleType, x: Any, *, filters: int, kernel: int | tuple[int, int], stride: int, name: str) -> Any:
    """Convolution and batch normalization.

    `x`: [batch, height, width, channels]; returns [batch, ceil(height / stride), ceil(width / stride), filters].
    """
    x = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)


def conv_bn_relu(keras: ModuleType, x: Any, *, filters: int, kernel: int | tuple[int, int], stride: int, name: str) -> Any:
    """Convolution, batch normalization, ReLU; shapes as `conv_bn`."""
    return keras.layers.ReLU(name=f"{name}_relu")(conv_bn(keras, x, filters=filters, kernel=kernel, stride=stride, name=name))


def depthwise_bn_relu(keras: ModuleType, x: Any, *, kernel: int, stride: int, name: str) -> Any:
    """Depthwise convolution, batch normalization, ReLU; one filter a channel. Shapes as `conv_bn` with filters = channels."""
    x = keras.layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, depthwise_initializer="he_normal", name=name)(
        x
    )
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
