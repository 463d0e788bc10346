"""Random layers over TensorFlow tensors: what a converted network may hold, with awkward sizes and weights.

Each layer takes the random generator and a float tensor with a static shape, batch 1 first, and returns one or more
tensors, or nothing where it does not fit that shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator
Layer = Callable[[Any, Rng, Any], Sequence[Any]]

LARGEST = 12_000
"""Elements: a layer whose output would be larger is left out."""

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 33, 67)


def shape_of(x: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in x.shape)


def weights(rng: Rng, shape: Sequence[int], fan_in: int) -> Any:
    """Normal weights; in one of four tensors channels of very different magnitude, some of them dead."""
    values = rng.normal(0, 1 / np.sqrt(max(fan_in, 1)), shape)
    kind = rng.random()
    if kind < 0.25:
        values = values * np.exp2(rng.integers(-8, 3, shape[-1]))
    if kind < 0.1:
        values = values * (rng.random(shape[-1]) < 0.8)
    return values.astype(np.float32)


def activation(tf: Any, rng: Rng, x: Any) -> Any:
    """What converters fuse into the operator before."""
    kind = int(rng.integers(0, 6))
    if kind == 0:
        return tf.nn.relu(x)
    if kind == 1:
        return tf.nn.relu6(x)
    if kind == 2:
        return tf.clip_by_value(x, -1.0, 1.0)
    return x


def _biased(tf: Any, rng: Rng, x: Any) -> Any:
    if rng.random() < 0.8:
        x = x + rng.normal(0, 0.3, shape_of(x)[-1]).astype(np.float32)
    return activation(tf, rng, x)


def _padding(rng: Rng) -> str:
    return str(rng.choice(["SAME", "VALID"]))


def _steps(rng: Rng) -> tuple[list[int], list[int]]:
    """Strides and dilations: one of the two is 1."""
    if rng.random() < 0.25:
        return [1, 1], rng.integers(1, 4, 2).tolist()
    return rng.integers(1, 4, 2).tolist(), [1, 1]


def conv(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 4:
        return ()
    channels = shape_of(x)[3]
    groups = int(rng.choice([g for g in (1, 1, 1, 2, 3, 4) if channels % g == 0]))
    filters = int(rng.choice(CHANNELS)) * groups
    kernel = rng.integers(1, 5, 2).tolist()
    strides, dilations = _steps(rng)
    values = weights(rng, (*kernel, channels // groups, filters), kernel[0] * kernel[1] * channels // groups)
    return (_biased(tf, rng, tf.nn.conv2d(x, values, strides, _padding(rng), dilations=dilations)),)


def depthwise(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 4:
        return ()
    kernel, multiplier = rng.integers(1, 5, 2).tolist(), int(rng.choice([1, 1, 1, 2, 3]))
    stride = int(rng.integers(1, 4))
    dilations = rng.integers(1, 4, 2).tolist() if stride == 1 and rng.random() < 0.3 else [1, 1]
    values = weights(rng, (*kernel, shape_of(x)[3], multiplier), kernel[0] * kernel[1])
    return (_biased(tf, rng, tf.nn.depthwise_conv2d(x, values, [1, stride, stride, 1], _padding(rng), dilations=dilations)),)


def conv_1d(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 3:
        return ()
    channels, filters, kernel = shape_of(x)[2], int(rng.choice(CHANNELS)), int(rng.integers(1, 5))
    values = weights(rng, (kernel, channels, filters), kernel * channels)
    return (_biased(tf, rng, tf.nn.conv1d(x, values, int(rng.integers(1, 4)), _padding(rng))),)


def transpose_conv(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 4:
        return ()
    _, height, width, channels = shape_of(x)
    filters, kernel, stride = int(rng.choice(CHANNELS[:9])), rng.integers(1, 5, 2).tolist(), rng.integers(1, 4, 2).tolist()
    padding = _padding(rng)
    if padding == "SAME":
        size = [height * stride[0], width * stride[1]]
    else:
        size = [(n - 1) * s + max(k, s) for n, s, k in zip((height, width), stride, kernel)]
    values = weights(rng, (*kernel, filters, channels), kernel[0] * kernel[1] * channels)
    return (_biased(tf, rng, tf.nn.conv2d_transpose(x, values, [1, *size, filters], stride, padding)),)


def dense(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    rows, units = shape_of(x)[-1], int(rng.choice(CHANNELS))
    if rows > 600:
        return ()
    values = weights(rng, (rows, units), rows)
    product = tf.matmul(x, values) if len(x.shape) == 2 else tf.tensordot(x, values, 1)
    return (_biased(tf, rng, product),)


def pool(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 4:
        return ()
    function = tf.nn.max_pool2d if rng.random() < 0.5 else tf.nn.avg_pool2d
    kernel, strides = rng.integers(1, 4, 2).tolist(), rng.integers(1, 4, 2).tolist()
    return (activation(tf, rng, function(x, kernel, strides, _padding(rng))),)


def pad(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """Asymmetric borders; of two axes, in one of four cases mirrored."""
    shape = shape_of(x)
    borders = np.zeros((len(shape), 2), np.int32)
    first = int(rng.integers(1, len(shape))) if len(shape) > 1 else 0
    for axis in range(first, min(first + 2, len(shape))):
        borders[axis] = rng.integers(0, min(4, shape[axis]), 2)
    if rng.random() < 0.25:
        return (tf.pad(x, borders, str(rng.choice(["REFLECT", "SYMMETRIC"]))),)
    value = 0.0 if rng.random() < 0.7 else float(rng.normal())
    return (tf.pad(x, borders, constant_values=value),)


def padded_conv(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """The pair that exporters from other frameworks write."""
    if len(x.shape) != 4:
        return ()
    borders = np.concatenate([np.zeros((1, 2)), rng.integers(0, 3, (2, 2)), np.zeros((1, 2))]).astype(np.int32)
    channels = shape_of(x)[3]
    kernel, filters = rng.integers(1, 4, 2).tolist(), int(rng.choice(CHANNELS[:10]))
    values = weights(rng, (*kernel, channels, filters), kernel[0] * kernel[1] * channels)
    return (_biased(tf, rng, tf.nn.conv2d(tf.pad(x, borders), values, rng.integers(1, 3, 2).tolist(), "VALID")),)


def elementwise(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """With a constant, broadcast along some axes, or with a tensor made of the same one."""
    shape = shape_of(x)
    functions = (tf.add, tf.subtract, tf.multiply, tf.maximum, tf.minimum, tf.math.squared_difference)
    function = functions[int(rng.integers(0, len(functions)))]
    kind = int(rng.integers(0, 4))
    if kind == 0:
        other = rng.normal(0, 1, [1] * (len(shape) - 1) + [shape[-1]]).astype(np.float32)
    elif kind == 1:
        other = np.float32(rng.normal())
    elif kind == 2 and len(shape) == 4:
        other = tf.reduce_mean(x, [1, 2], keepdims=True)
    else:
        other = tf.reverse(x, [len(shape) - 1])
    operands = (x, other) if rng.random() < 0.5 else (other, x)
    return (activation(tf, rng, function(*operands)),)


def unary(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    functions = (
        tf.nn.relu, tf.nn.relu6, tf.nn.gelu, tf.nn.sigmoid, tf.nn.tanh, tf.nn.softmax, tf.nn.log_softmax, tf.abs, tf.square,
        lambda y: tf.nn.leaky_relu(y, float(rng.uniform(0.01, 0.5))), lambda y: y * tf.nn.relu6(y + 3.0) / 6.0,
        lambda y: tf.nn.gelu(y, approximate=True), lambda y: tf.math.rsqrt(tf.nn.relu(y) + 0.1), tf.exp, tf.nn.silu,
        lambda y: tf.nn.relu(y) + rng.normal(0, 0.3, shape_of(y)[-1]).astype(np.float32) * (y - tf.abs(y)) * 0.5,
    )  # fmt: skip
    return (functions[int(rng.integers(0, len(functions)))](x),)


def normalise(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """Batch normalization as inference sees it."""
    channels = shape_of(x)[-1]
    scale = rng.uniform(0.2, 2, channels).astype(np.float32)
    return (activation(tf, rng, x * scale + rng.normal(0, 0.5, channels).astype(np.float32)),)


def reduce(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    shape = shape_of(x)
    if len(shape) < 3:
        return ()
    functions = (tf.reduce_mean, tf.reduce_mean, tf.reduce_sum, tf.reduce_max, tf.reduce_min)
    axes = [1, 2] if len(shape) == 4 and rng.random() < 0.6 else [int(rng.integers(1, len(shape)))]
    return (functions[int(rng.integers(0, len(functions)))](x, axes, keepdims=bool(rng.random() < 0.4)),)


def reshape(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    shape = shape_of(x)
    elements = int(np.prod(shape))
    kind = int(rng.integers(0, 4))
    if kind == 0 and elements <= 600:
        return (tf.reshape(x, [1, elements]),)
    if kind == 1 and len(shape) == 4:
        return (tf.reshape(x, [1, shape[1] * shape[2], shape[3]]),)
    if kind == 2 and len(shape) == 3:
        return (tf.expand_dims(x, int(rng.integers(1, 4))),)
    return (tf.reshape(x, [1, *(shape[k] for k in 1 + rng.permutation(len(shape) - 1))]),)


def transpose(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    order = [0, *(1 + rng.permutation(len(x.shape) - 1)).tolist()]
    return (tf.transpose(x, order),)


def crop(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """Strided slices, some backwards, some that drop an axis."""
    parts: list[Any] = [slice(None)]
    for size in shape_of(x)[1:]:
        begin = int(rng.integers(0, size))
        end, step = int(rng.integers(begin + 1, size + 1)), int(rng.choice([1, 1, 1, 2, 3]))
        parts.append(slice(begin, end, step) if rng.random() < 0.6 else slice(None))
    if rng.random() < 0.2 and len(parts) > 2:
        parts[-1] = slice(None, None, -1)
    return (x[tuple(parts)],)


def split(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    axis = int(rng.integers(1, len(x.shape)))
    size = shape_of(x)[axis]
    if size < 2:
        return ()
    if rng.random() < 0.5:
        count = next(n for n in (2, 3, 5, 7, size) if size % n == 0)
        return tuple(tf.split(x, count, axis))[:3] if count <= 5 else ()
    first = int(rng.integers(1, size))
    return tuple(tf.split(x, [first, size - first], axis))


def blocks(tf: Any, _: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 4:
        return ()
    _, height, width, _ = shape_of(x)
    if height % 2 == 0 and width % 2 == 0:
        return (tf.nn.space_to_depth(x, 2),)
    return ()


def repeat(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """TILE and DEPTH_TO_SPACE of current converters have versions that LiteRT's package does not know yet; chains test them."""
    shape = shape_of(x)
    if rng.random() < 0.5:
        return (tf.concat([x, x], int(rng.integers(1, len(shape)))),)
    return (tf.reverse(x, [int(rng.integers(1, len(shape)))]),)


def resize(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) != 4:
        return ()
    _, height, width, _ = shape_of(x)
    size = [height * int(rng.integers(1, 4)), width * int(rng.integers(1, 4))]
    if rng.random() < 0.3:
        size = rng.integers(1, 12, 2).tolist()
    if rng.random() < 0.5:
        return (tf.compat.v1.image.resize_nearest_neighbor(x, size, half_pixel_centers=bool(rng.random() < 0.5)),)
    corners = bool(rng.random() < 0.3)
    return (
        tf.compat.v1.image.resize_bilinear(x, size, align_corners=corners, half_pixel_centers=not corners and bool(rng.random() < 0.5)),
    )


def pick(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    axis = int(rng.integers(1, len(x.shape)))
    size = shape_of(x)[axis]
    return (tf.gather(x, rng.integers(0, size, int(rng.integers(1, 6))).astype(np.int32), axis=axis),)


def stack(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    if len(x.shape) > 3:
        return tuple(tf.unstack(x, axis=1))[:3] if shape_of(x)[1] <= 6 else ()
    return (tf.stack([x, tf.nn.relu(x)], axis=int(rng.integers(1, len(x.shape) + 1))),)


def attention(tf: Any, rng: Rng, x: Any) -> Sequence[Any]:
    """A product of two computed matrices."""
    if len(x.shape) != 3 or shape_of(x)[1] > 40:
        return ()
    scores = tf.matmul(x, x, transpose_b=True) * np.float32(1 / np.sqrt(shape_of(x)[2]))
    return (tf.matmul(tf.nn.softmax(scores), x) if rng.random() < 0.7 else scores,)


LAYERS: dict[str, Layer] = {
    "conv": conv,
    "depthwise": depthwise,
    "conv_1d": conv_1d,
    "transpose_conv": transpose_conv,
    "dense": dense,
    "pool": pool,
    "pad": pad,
    "padded_conv": padded_conv,
    "elementwise": elementwise,
    "unary": unary,
    "normalise": normalise,
    "reduce": reduce,
    "reshape": reshape,
    "transpose": transpose,
    "crop": crop,
    "split": split,
    "blocks": blocks,
    "repeat": repeat,
    "resize": resize,
    "pick": pick,
    "stack": stack,
    "attention": attention,
}
"""Every layer by name."""


def joined(tf: Any, rng: Rng, a: Any, b: Any) -> Any | None:
    """Two branches brought together, where their shapes allow it."""
    one, other = shape_of(a), shape_of(b)
    if one == other:
        functions = (tf.add, tf.subtract, tf.multiply, tf.maximum, tf.minimum)
        return activation(tf, rng, functions[int(rng.integers(0, len(functions)))](a, b))
    if len(one) == len(other) and sum(p != q for p, q in zip(one, other)) == 1:
        return tf.concat([a, b], next(k for k, (p, q) in enumerate(zip(one, other)) if p != q))
    return None
