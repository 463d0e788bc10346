"""Random Keras 3 networks: the layers users write, with awkward sizes, branches, and weights and statistics off their start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fuzz.layers import CHANNELS, LARGEST

Rng = np.random.Generator

_ACTIVATIONS = (None, None, "relu", "relu6", "sigmoid", "tanh", "gelu", "silu", "hard_sigmoid", "leaky_relu", "softmax")


def _activation(rng: Rng) -> str | None:
    return _ACTIVATIONS[int(rng.integers(0, len(_ACTIVATIONS)))]


def _padding(rng: Rng) -> str:
    return str(rng.choice(["same", "valid"]))


def _filters(rng: Rng) -> int:
    return int(rng.choice(CHANNELS))


def _pair(rng: Rng, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(low, high)), int(rng.integers(low, high))


Layer = Callable[[Any, Rng], Any]

IMAGES: dict[str, Layer] = {
    "Conv2D": lambda k, r: k.layers.Conv2D(
        _filters(r), _pair(r, 1, 5), int(r.integers(1, 4)), padding=_padding(r), activation=_activation(r), use_bias=bool(r.random() < 0.8)
    ),
    "Conv2D dilated": lambda k, r: k.layers.Conv2D(_filters(r), _pair(r, 1, 4), padding=_padding(r), dilation_rate=int(r.integers(2, 4))),
    "DepthwiseConv2D": lambda k, r: k.layers.DepthwiseConv2D(
        _pair(r, 1, 5), int(r.integers(1, 4)), padding=_padding(r), depth_multiplier=int(r.choice([1, 1, 2, 3])), activation=_activation(r)
    ),
    "SeparableConv2D": lambda k, r: k.layers.SeparableConv2D(_filters(r), 3, padding=_padding(r), activation=_activation(r)),
    "Conv2DTranspose": lambda k, r: k.layers.Conv2DTranspose(
        _filters(r), int(r.integers(1, 5)), int(r.integers(1, 4)), padding=_padding(r)
    ),
    "BatchNormalization": lambda k, _: k.layers.BatchNormalization(),
    "MaxPooling2D": lambda k, r: k.layers.MaxPooling2D(_pair(r, 1, 4), _pair(r, 1, 4), padding=_padding(r)),
    "AveragePooling2D": lambda k, r: k.layers.AveragePooling2D(_pair(r, 1, 4), _pair(r, 1, 4), padding=_padding(r)),
    "ZeroPadding2D": lambda k, r: k.layers.ZeroPadding2D((_pair(r, 0, 4), _pair(r, 0, 4))),
    "Cropping2D": lambda k, r: k.layers.Cropping2D((_pair(r, 0, 2), _pair(r, 0, 2))),
    "UpSampling2D": lambda k, r: k.layers.UpSampling2D(_pair(r, 1, 4), interpolation=str(r.choice(["nearest", "bilinear"]))),
    "GlobalAveragePooling2D": lambda k, r: k.layers.GlobalAveragePooling2D(keepdims=bool(r.random() < 0.5)),
    "GlobalMaxPooling2D": lambda k, _: k.layers.GlobalMaxPooling2D(),
}
# No ELU, PReLU or LayerNormalization: the converter leaves them in float, with NEG and ELU that have no int8 form.
ANY: dict[str, Layer] = {
    "Dense": lambda k, r: k.layers.Dense(_filters(r), activation=_activation(r)),
    "Activation": lambda k, r: k.layers.Activation(_activation(r) or "relu"),
    "LeakyReLU": lambda k, r: k.layers.LeakyReLU(float(r.uniform(0.01, 0.5))),
    "ReLU": lambda k, r: k.layers.ReLU(max_value=float(r.choice([1.0, 6.0, 3.7]))),
    "Flatten": lambda k, _: k.layers.Flatten(),
    "Softmax": lambda k, _: k.layers.Softmax(),
}
SEQUENCES: dict[str, Layer] = {
    "Conv1D": lambda k, r: k.layers.Conv1D(_filters(r), int(r.integers(1, 5)), int(r.integers(1, 4)), padding=_padding(r)),
    "Conv1D causal": lambda k, r: k.layers.Conv1D(
        _filters(r), int(r.integers(1, 4)), padding="causal", dilation_rate=int(r.integers(1, 4))
    ),
    "MaxPooling1D": lambda k, r: k.layers.MaxPooling1D(int(r.integers(1, 4)), padding=_padding(r)),
    "GlobalAveragePooling1D": lambda k, _: k.layers.GlobalAveragePooling1D(),
}
RECURRENT: dict[str, Layer] = {
    "GRU": lambda k, r: k.layers.GRU(int(r.choice(CHANNELS[:6])), unroll=True, return_sequences=bool(r.random() < 0.5)),
    "SimpleRNN": lambda k, r: k.layers.SimpleRNN(int(r.choice(CHANNELS[:6])), unroll=True),
}
MERGES: dict[str, Layer] = {
    "Add": lambda k, _: k.layers.Add(),
    "Subtract": lambda k, _: k.layers.Subtract(),
    "Multiply": lambda k, _: k.layers.Multiply(),
    "Average": lambda k, _: k.layers.Average(),
    "Maximum": lambda k, _: k.layers.Maximum(),
    "Concatenate": lambda k, _: k.layers.Concatenate(),
}

_LONGEST_SEQUENCE = 8
"""Steps: recurrent layers are unrolled."""


def _fitting(rank: int, steps: int) -> dict[str, Layer]:
    if rank == 4:
        return {**IMAGES, **ANY}
    if rank == 3:
        return {
            name: layer for name, layer in {**SEQUENCES, **ANY}.items() if steps <= _LONGEST_SEQUENCE or name not in ("GRU", "SimpleRNN")
        }
    return ANY


def network(keras: Any, rng: Rng, shapes: list[tuple[int, ...]], used: list[str]) -> Any:
    """A functional model of one to eight layers on inputs of `shapes` (batch of 1 first)."""
    inputs = [keras.Input(shape[1:], batch_size=1) for shape in shapes]
    live, read = list(inputs), set[int]()
    for _ in range(int(rng.integers(1, 9))):
        position = len(live) - 1 if rng.random() < 0.6 else int(rng.integers(0, len(live)))
        x = live[position]
        twins = [k for k, y in enumerate(live) if k != position and y.shape == x.shape]
        if twins and rng.random() < 0.5:
            other = twins[int(rng.integers(0, len(twins)))]
            name = str(rng.choice(list(MERGES)))
            result = MERGES[name](keras, rng)([x, live[other]])
            read.add(other)
        else:
            choice = _fitting(len(x.shape), int(x.shape[1]))
            name = str(rng.choice(list(choice)))
            if name == "Dense" and int(x.shape[-1]) > 600:
                continue
            try:
                result = choice[name](keras, rng)(x)
            except ValueError:  # a window larger than what it slides over
                continue
        if 0 in result.shape or np.prod(result.shape) > LARGEST:
            continue
        live.append(result)
        read.add(position)
        used.append(name)
    # an input that nothing reads would vanish from the model, and calibration would feed the others wrongly
    ends = [live[k] if k >= len(inputs) else keras.layers.ReLU()(live[k]) for k in range(len(live)) if k not in read]
    model = keras.Model(inputs, ends)
    for variable in model.weights:
        _unsettle(rng, variable)
    return model


def _unsettle(rng: Rng, variable: Any) -> None:
    """Values as training leaves them: statistics that are not 0 and 1, biases that are not 0, channels of uneven size."""
    value = np.asarray(variable.numpy())
    if "variance" in variable.name or "gamma" in variable.name:
        variable.assign(rng.uniform(0.2, 2.0, value.shape).astype(np.float32))
    elif value.ndim <= 1:
        variable.assign(rng.normal(0, 0.4, value.shape).astype(np.float32))
    else:
        spread = np.exp2(rng.integers(-6, 2, value.shape[-1])) if rng.random() < 0.3 else 1.0
        variable.assign((rng.normal(0, 1 / np.sqrt(max(np.prod(value.shape[:-1]), 1)), value.shape) * spread).astype(np.float32))
