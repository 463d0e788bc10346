"""Operators that are left out on purpose, with the reason and what to use instead."""

from __future__ import annotations

REFUSED: dict[str, tuple[str, str]] = {
    "CUMSUM": ("quantized models compute it in float32", "sum with a convolution or a dense layer whose weights are 0 and 1"),
    "ELU": (
        "LiteRT's reference kernels do not have it, and converters leave it in float32",
        "use relu, leaky_relu, gelu or hard_swish",
    ),
    "L2_POOL_2D": ("LiteRT computes it in float32 only", "use average or maximum pooling"),
    "LSTM": ("tinykd does not compute this older operator", "convert a keras.layers.LSTM with a fixed batch size and sequence length"),
    "SUM": (
        "LiteRT's reference kernel reads int8 as uint8 there, its integers mean nothing",
        "use a mean: the count moves into the next layer's weights",
    ),
    "RNN": ("LiteRT's kernel takes float32 activations only", "use unroll=True: the steps become dense layers"),
    "UNIDIRECTIONAL_SEQUENCE_RNN": ("LiteRT's kernel takes float32 activations only", "use unroll=True: the steps become dense layers"),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (
        "LiteRT's kernel takes float32 activations only",
        "use keras.layers.Bidirectional, which converts to one LSTM for each direction",
    ),
    "BIDIRECTIONAL_SEQUENCE_RNN": ("LiteRT's kernel takes float32 activations only", "use unroll=True: the steps become dense layers"),
    "WHILE": ("the number of turns is known only at run time", "use unroll=True in recurrent layers, and fixed sequence lengths"),
    "IF": ("which subgraph runs is known only at run time", "choose with tf.where, which computes both sides"),
}
"""By TensorFlow Lite's name."""
