"""The operator table: every int8 operator that tinykd compiles, by TensorFlow Lite's name."""

from __future__ import annotations

from tinykd.compile.ops import (
    add,
    average_pool_2d,
    conv_2d,
    depthwise_conv_2d,
    dequantize,
    extremum,
    fully_connected,
    hard_swish,
    leaky_relu,
    logistic,
    max_pool_2d,
    mul,
    prelu,
    quantize,
    relu,
    reshape,
    softmax,
    squared_difference,
    sub,
    tanh,
)
from tinykd.compile.ops.operator import AnyOperator

OPERATORS: dict[str, AnyOperator] = {
    "ADD": add.OPERATOR,
    "AVERAGE_POOL_2D": average_pool_2d.OPERATOR,
    "CONV_2D": conv_2d.OPERATOR,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d.OPERATOR,
    "DEQUANTIZE": dequantize.OPERATOR,
    "FULLY_CONNECTED": fully_connected.OPERATOR,
    "HARD_SWISH": hard_swish.OPERATOR,
    "LEAKY_RELU": leaky_relu.OPERATOR,
    "LOGISTIC": logistic.OPERATOR,
    "MAXIMUM": extremum.MAXIMUM,
    "MAX_POOL_2D": max_pool_2d.OPERATOR,
    "MINIMUM": extremum.MINIMUM,
    "MUL": mul.OPERATOR,
    "PRELU": prelu.OPERATOR,
    "QUANTIZE": quantize.OPERATOR,
    "RELU": relu.RELU,
    "RELU6": relu.RELU6,
    "RELU_0_TO_1": relu.RELU_0_TO_1,
    "RELU_N1_TO_1": relu.RELU_N1_TO_1,
    "RESHAPE": reshape.OPERATOR,
    "SOFTMAX": softmax.OPERATOR,
    "SQUARED_DIFFERENCE": squared_difference.OPERATOR,
    "SUB": sub.OPERATOR,
    "TANH": tanh.OPERATOR,
}
