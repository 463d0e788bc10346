"""Residual networks for small images (He 2016, section 4.2); `resnet8` has the shape of MLPerf Tiny's image classifier."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tinykd.nets.convolution import conv_bn, conv_bn_relu


def resnet(
    keras: ModuleType,
    *,
    input_shape: tuple[int, ...],
    classes: int,
    width: int = 16,
    stages: int = 3,
    blocks: int = 3,
) -> Any:
    """A convolution, `stages` stages of `blocks` residual blocks, global average pooling, a dense layer of logits.

    Stage s (from 0) has `width` * 2^s channels; each stage after the first halves height and width. With the defaults
    and blocks = 3, 5, 9 these are ResNet-20, -32, -56. Where the shape changes the shortcut is a 1x1 convolution.

    Args:
        keras: Keras 3 or tf_keras.
        input_shape: [height, width, channels], any size.
        classes: Number of logits.
        width: Channels of the first stage.
        stages: Number of stages.
        blocks: Residual blocks a stage; each holds two 3x3 convolutions.

    Returns:
        A functional model, [batch, height, width, channels] -> logits [batch, classes].
    """
    inputs = keras.Input(input_shape, name="input")
    x = conv_bn_relu(keras, inputs, filters=width, kernel=3, stride=1, name="conv")
    for stage in range(stages):
        for block in range(1, blocks + 1):
            stride = 2 if stage > 0 and block == 1 else 1
            x = _residual_block(keras, x, filters=width * 2**stage, stride=stride, name=f"stage{stage + 1}_block{block}")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="resnet")


def resnet8(keras: ModuleType, *, input_shape: tuple[int, ...], classes: int, width: int = 16) -> Any:
    """`resnet` with three stages of one block: 16, 32 and 64 channels by default (Banbury 2021, MLPerf Tiny).

    Args and returns as `resnet`.
    """
    return resnet(keras, input_shape=input_shape, classes=classes, width=width, stages=3, blocks=1)


def _residual_block(keras: ModuleType, x: Any, *, filters: int, stride: int, name: str) -> Any:
    y = conv_bn_relu(keras, x, filters=filters, kernel=3, stride=stride, name=f"{name}_conv1")
    y = conv_bn(keras, y, filters=filters, kernel=3, stride=1, name=f"{name}_conv2")
    if stride != 1 or x.shape[-1] != filters:
        x = conv_bn(keras, x, filters=filters, kernel=1, stride=stride, name=f"{name}_shortcut")
    return keras.layers.ReLU(name=f"{name}_relu")(keras.layers.Add(name=f"{name}_add")([y, x]))
