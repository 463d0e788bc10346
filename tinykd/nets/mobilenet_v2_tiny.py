"""MobileNetV2 (Sandler 2018) for small images: inverted residuals with linear bottlenecks."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tinykd.nets.convolution import conv_bn, conv_bn_relu, depthwise_bn_relu


def mobilenet_v2_tiny(
    keras: ModuleType,
    *,
    input_shape: tuple[int, ...],
    classes: int,
    width: float = 1.0,
    expansion: int = 4,
    first_stride: int = 1,
    stages: Sequence[tuple[int, int, int]] = ((8, 1, 1), (16, 2, 2), (24, 2, 2)),
    last: int = 96,
) -> Any:
    """A convolution, stages of inverted residuals, a 1x1 convolution, global average pooling, a dense layer of logits.

    ReLU stands where the paper has ReLU6: the int8 range is calibrated, so the clamp buys nothing.

    Args:
        keras: Keras 3 or tf_keras.
        input_shape: [height, width, channels].
        classes: Number of logits.
        width: Multiplies every number of channels (rounded, at least 4).
        expansion: Channels inside a block over channels entering it; 1 in the first stage, as in the paper.
        first_stride: Stride of the first convolution.
        stages: [channels, blocks, stride of the first block] of each stage.
        last: Channels of the last 1x1 convolution, before `width`.

    Returns:
        A functional model, [batch, height, width, channels] -> logits [batch, classes].
    """
    inputs = keras.Input(input_shape, name="input")
    channels = _scaled(stages[0][0], width)
    x = conv_bn_relu(keras, inputs, filters=channels, kernel=3, stride=first_stride, name="conv")
    for stage, (filters, blocks, stride) in enumerate(stages, start=1):
        for block in range(1, blocks + 1):
            x = _inverted_residual(
                keras,
                x,
                filters=_scaled(filters, width),
                expansion=1 if stage == 1 else expansion,
                stride=stride if block == 1 else 1,
                name=f"stage{stage}_block{block}",
            )
    x = conv_bn_relu(keras, x, filters=_scaled(last, width), kernel=1, stride=1, name="last")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="mobilenet_v2_tiny")


def _inverted_residual(keras: ModuleType, x: Any, *, filters: int, expansion: int, stride: int, name: str) -> Any:
    channels = x.shape[-1]
    y = x
    if expansion > 1:
        y = conv_bn_relu(keras, y, filters=channels * expansion, kernel=1, stride=1, name=f"{name}_expand")
    y = depthwise_bn_relu(keras, y, kernel=3, stride=stride, name=f"{name}_depthwise")
    y = conv_bn(keras, y, filters=filters, kernel=1, stride=1, name=f"{name}_project")
    return keras.layers.Add(name=f"{name}_add")([y, x]) if stride == 1 and channels == filters else y


def _scaled(channels: int, width: float) -> int:
    return max(4, round(channels * width))
