"""The operator table: every int8 operator that tinykd compiles, by TensorFlow Lite's name."""

from __future__ import annotations

from tinykd.compile.ops import add, conv_2d, depthwise_conv_2d, fully_connected
from tinykd.compile.ops.operator import AnyOperator

OPERATORS: dict[str, AnyOperator] = {
    "ADD": add.OPERATOR,
    "CONV_2D": conv_2d.OPERATOR,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d.OPERATOR,
    "FULLY_CONNECTED": fully_connected.OPERATOR,
}
