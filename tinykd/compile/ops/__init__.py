"""The operator table: every int8 operator that tinykd compiles, by TensorFlow Lite's name."""

from __future__ import annotations

from tinykd.compile.ops import (
    add,
    average_pool_2d,
    conv_2d,
    depthwise_conv_2d,
    dequantize,
    fully_connected,
    max_pool_2d,
    quantize,
    reshape,
    softmax,
)
from tinykd.compile.ops.operator import AnyOperator

OPERATORS: dict[str, AnyOperator] = {
    "ADD": add.OPERATOR,
    "AVERAGE_POOL_2D": average_pool_2d.OPERATOR,
    "CONV_2D": conv_2d.OPERATOR,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d.OPERATOR,
    "DEQUANTIZE": dequantize.OPERATOR,
    "FULLY_CONNECTED": fully_connected.OPERATOR,
    "MAX_POOL_2D": max_pool_2d.OPERATOR,
    "QUANTIZE": quantize.OPERATOR,
    "RESHAPE": reshape.OPERATOR,
    "SOFTMAX": softmax.OPERATOR,
}
