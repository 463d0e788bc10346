"""Random networks through TensorFlow's converter to full int8, calibrated too narrowly on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.keras_networks import network
from tests.fuzz.layers import LARGEST, LAYERS, joined, shape_of
from tinykd.compile.graph import Array, Graph
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.reader import read_model
from tinykd.errors import TinykdError

CALIBRATION_SAMPLES = 4
SAMPLES = 3
ROOT = Path(__file__).parent.parent.parent


class ConverterRefused(Exception):
    """TensorFlow's converter has no int8 form of the network."""


@dataclass(frozen=True, eq=False)
class Converted:
    """A converted network. `layers` names what it was made of."""

    model: bytes
    layers: tuple[str, ...]


def _input_shape(rng: np.random.Generator) -> tuple[int, ...]:
    kind = rng.random()
    channels = int(rng.choice([1, 2, 3, 4, 5, 8, 13, 17]))
    if kind < 0.75:
        return (1, int(rng.integers(1, 14)), int(rng.integers(1, 14)), channels)
    if kind < 0.9:
        return (1, int(rng.integers(1, 24)), channels)
    return (1, int(rng.integers(1, 68)))


def _network(tf: Any, rng: np.random.Generator, inputs: tuple[Any, ...], used: list[str]) -> tuple[Any, ...]:
    """One to nine layers from `inputs`; outputs are all that nothing reads, and sometimes one that is read."""
    live, read = list(inputs), set[int]()
    for _ in range(int(rng.integers(1, 10))):
        # the newest tensor most of the time: deep rather than wide
        position = len(live) - 1 if rng.random() < 0.6 else int(rng.integers(0, len(live)))
        if rng.random() < 0.3 and len(live) > 1:
            other = int(rng.integers(0, len(live)))
            together = joined(tf, rng, live[position], live[other]) if other != position else None
            if together is not None and np.prod(shape_of(together)) <= LARGEST:
                live.append(together)
                read |= {position, other}
                used.append("join")
                continue
        name = str(rng.choice(list(LAYERS)))
        results = LAYERS[name](tf, rng, live[position])
        if not results or any(np.prod(shape_of(y)) > LARGEST or not 2 <= len(y.shape) <= 4 or 0 in shape_of(y) for y in results):
            continue
        live += results
        read.add(position)
        used.append(name)
    outputs = [k for k in range(len(live)) if k not in read]
    if len(live) > len(inputs) + 2 and rng.random() < 0.15:
        extra = int(rng.integers(len(inputs), len(live)))
        outputs += [extra] if extra not in outputs else []
    # an input that nothing reads would vanish from the model, and calibration would feed the others wrongly
    return tuple(live[k] if k >= len(inputs) else tf.nn.relu(live[k]) for k in outputs)


def _tensorflow_body(tf: Any, rng: np.random.Generator, _: list[tuple[int, ...]], used: list[str]) -> Callable[..., Any]:
    trace = int(rng.integers(0, 1 << 31))

    def body(*inputs: Any) -> tuple[Any, ...]:
        used.clear()
        return _network(tf, np.random.default_rng(trace), inputs, used)

    return body


def _keras_body(_: Any, rng: np.random.Generator, shapes: list[tuple[int, ...]], used: list[str]) -> Callable[..., Any]:
    import keras

    keras.utils.set_random_seed(int(rng.integers(0, 1 << 31)))
    model = network(keras, rng, shapes, used)
    return lambda *inputs: model(list(inputs), training=False)


def convert(seed: int) -> Converted:
    """The network of `seed`, with constant weights, as a full-integer `.tflite`.

    Raises:
        ConverterRefused: the converter cannot quantize it.
    """
    import tensorflow as tf

    rng = np.random.default_rng([seed, 0x7F])
    # of one shape: the converter may order inputs otherwise than the function, and calibrates by position
    shapes = [_input_shape(rng)] * int(rng.choice([1, 1, 1, 2, 3]))
    used: list[str] = []
    body = (_keras_body if rng.random() < 0.4 else _tensorflow_body)(tf, rng, shapes, used)
    function = tf.function(body, input_signature=[tf.TensorSpec(shape, tf.float32) for shape in shapes], jit_compile=False)
    try:
        concrete = function.get_concrete_function()
    except ValueError as error:  # a window larger than its input and other shapes that TensorFlow itself rejects
        raise ConverterRefused(f"TensorFlow: {_reason(str(error))}") from error
    spread = [float(np.exp2(rng.uniform(-3, 3))) for _ in shapes]
    samples = [[rng.normal(0, s, shape).astype(np.float32) for s, shape in zip(spread, shapes)] for _ in range(CALIBRATION_SAMPLES)]

    def representative() -> Iterator[list[Array]]:
        yield from samples

    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    ends = [tf.int8, tf.int8, tf.int8, tf.uint8, tf.float32]
    converter.inference_input_type = converter.inference_output_type = ends[int(rng.integers(0, len(ends)))]
    converter._experimental_disable_per_channel = bool(rng.random() < 0.2)
    try:
        return Converted(converter.convert(), tuple(used))
    except Exception as error:  # the converter raises whatever its compiler says, of many types
        raise ConverterRefused(f"converter: {_reason(str(error))}") from error


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line]
    return (telling or lines or ["?"])[0][-160:]


def convert_all(seeds: Sequence[int], folder: Path) -> dict[int, bytes | str]:
    """The model of each seed, or why there is none.

    Other processes convert, and let LiteRT run the inputs once: a crash of either ends those. LiteRT's SOFTMAX aborts
    where the exponentials of a row add up to 512, as those of 512 equal values do.
    """
    found: dict[int, bytes | str] = {}
    while len(found) < len(seeds):
        missing = [seed for seed in seeds if seed not in found]
        command = [sys.executable, "-m", "tests.fuzz.converted", str(folder), *map(str, missing)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        for seed in missing:
            model, reason = folder / f"{seed}.tflite", folder / f"{seed}.txt"
            if model.exists():
                found[seed] = model.read_bytes()
            elif reason.exists():
                found[seed] = reason.read_text()
            elif ended.returncode == 0 or ended.returncode == 1:
                raise AssertionError(f"converting seed {seed} failed: {ended.stderr[-2000:]}")
            else:
                found[seed] = f"converter or LiteRT: the process ended with {ended.returncode}"
                break
    return found


def _run_once(model: bytes, seed: int) -> None:
    try:
        interpreter, graph = ReferenceInterpreter(model), read_model(model)
        for fed in inputs_of(graph, seed):
            interpreter.run(fed)
    except TinykdError:
        return  # for the test to judge


def _convert_into(folder: Path, seeds: Sequence[int]) -> None:
    for seed in seeds:
        try:
            model = convert(seed).model
            _run_once(model, seed)
            (folder / f"{seed}.tflite").write_bytes(model)
        except ConverterRefused as refusal:
            (folder / f"{seed}.txt").write_text(str(refusal))


def inputs_of(graph: Graph, seed: int) -> list[tuple[Array, ...]]:
    """Inputs far wider than the calibration, extremes included."""
    rng = np.random.default_rng([seed, 0x5A])
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [tuple(_sample(rng, tensor.shape, tensor.dtype) for tensor in tensors) for _ in range(SAMPLES)]


def _sample(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    if dtype == "float32":
        return rng.normal(0, 8, shape).astype(np.float32)
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max + 1, shape, dtype=np.int64)
    edges = rng.choice([limits.min, limits.max], shape)
    return np.where(rng.random(shape) < 1 / 8, edges, values).astype(dtype)


if __name__ == "__main__":
    _convert_into(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]])
