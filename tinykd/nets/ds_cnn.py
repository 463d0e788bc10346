"""DS-CNN (Zhang 2017, "Hello Edge"): a convolution, then depthwise-separable blocks."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tinykd.nets.convolution import conv_bn_relu, depthwise_bn_relu


def ds_cnn(
    keras: ModuleType,
    *,
    input_shape: tuple[int, ...],
    classes: int,
    width: int | Sequence[int] = 32,
    depth: int = 3,
    strides: Sequence[int] = (1, 2),
    kernel: int = 3,
    first_kernel: tuple[int, int] = (3, 3),
) -> Any:
    """A convolution, `depth` depthwise-separable blocks, global average pooling, a dense layer of logits.

    Args:
        keras: Keras 3 or tf_keras.
        input_shape: [height, width, channels].
        classes: Number of logits.
        width: Channels of every layer, or one number for the first convolution and one for each block.
        depth: Number of depthwise-separable blocks.
        strides: Of the first convolution, then of each block; missing ones are 1.
        kernel: Side of the depthwise filters.
        first_kernel: [height, width] of the first convolution.

    Returns:
        A functional model, [batch, height, width, channels] -> logits [batch, classes].
    """
    widths = [width] * (depth + 1) if isinstance(width, int) else list(width)
    plan = list(strides) + [1] * (depth + 1 - len(strides))
    inputs = keras.Input(input_shape, name="input")
    rows, columns = first_kernel
    x = conv_bn_relu(keras, inputs, filters=widths[0], kernel=(rows, columns), stride=plan[0], name="conv")
    for block in range(1, depth + 1):
        x = depthwise_bn_relu(keras, x, kernel=kernel, stride=plan[block], name=f"block{block}_depthwise")
        x = conv_bn_relu(keras, x, filters=widths[block], kernel=1, stride=1, name=f"block{block}_pointwise")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="ds_cnn")
