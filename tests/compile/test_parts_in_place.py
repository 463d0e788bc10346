"""Joined and split tensors without copies: the same integers wherever parts lie, no copy in the C, never a higher peak."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.compile.row_networks import SAME, Network, convolution
from tests.fuzz.differential import c_differences, numpy_differences, subject
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.graph import Graph, Quant
from tinykd.compile.ops import sampling
from tinykd.compile.ops.concatenation import ConcatenationOptions
from tinykd.compile.ops.operator import Assembled, View
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.reshape import ReshapeOptions
from tinykd.compile.ops.split import SplitOptions
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.liveness import peak_bytes
from tinykd.compile.planner.outside import caller_buffers
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import Program
from tinykd.compile.writer import write_model

QUANT = Quant((0.05,), (-3,))
ONE = (1, 1, 1)
NETWORKS, BATCH = 40, 20


def conv(w: Network, source: int, filters: int) -> int:
    """1x1, on the quantization that parts share."""
    made = convolution(w, "CONV_2D", source, filters, ONE, ONE, SAME, 0)
    w.tensors[made] = replace(w.tensors[made], quant=QUANT)
    return made


def pool(w: Network, source: int) -> int:
    """Every second row and column."""
    _, height, width, channels = w.tensors[source].shape
    return w.apply("MAX_POOL_2D", Pool2DOptions(SAME, 2, 2, 2, 2, 0), (source,), (1, -(-height // 2), -(-width // 2), channels), QUANT)


def flat(w: Network, source: int, channels: int) -> int:
    """[1, pixels, channels], as detectors bring the boxes of several scales together."""
    shape = (1, w.tensors[source].elements // channels, channels)
    return w.apply("RESHAPE", ReshapeOptions(), (source, w.constant(np.array(shape, np.int32), None)), shape, QUANT)


def joined(w: Network, parts: list[int], axis: int) -> int:
    shapes = [w.tensors[part].shape for part in parts]
    shape = (*shapes[0][:axis], sum(one[axis] for one in shapes), *shapes[0][axis + 1 :])
    return w.apply("CONCATENATION", ConcatenationOptions(axis), tuple(parts), shape, QUANT)


def halves(w: Network, source: int) -> list[int]:
    """SPLIT along the height."""
    _, height, width, channels = w.tensors[source].shape
    lower = w.apply("SPLIT", SplitOptions(2), (w.constant(np.array([1], np.int32), None), source), (1, height // 2, width, channels), QUANT)
    op = w.ops.pop()
    upper = w.tensor(w.tensors[lower].shape, QUANT)
    w.ops.append(replace(op, outputs=(lower, upper)))
    return [lower, upper]


def rows_of(w: Network, source: int, first: int, count: int) -> int:
    """SLICE along the height."""
    shape = (1, count, *w.tensors[source].shape[2:])
    begin, size = (w.constant(np.array(listed, np.int32), None) for listed in ((0, first, 0, 0), shape))
    return w.apply("SLICE", None, (source, begin, size), shape, QUANT)


def graph_of(w: Network, source: int, *outputs: int) -> Graph:
    graph = Graph(tuple(w.tensors), tuple(w.ops), (source,), outputs, name="parts")
    graph.check()
    return graph


def detector() -> Graph:
    """Boxes of three scales: 8x8, 4x4 and 2x2 pixels of 4 channels, joined to [1, 84, 4], then one element for each."""
    w = Network(np.random.default_rng(1))
    current = source = w.tensor((1, 8, 8, 4), QUANT)
    boxes = []
    for scale in range(3):
        current = pool(w, current) if scale else current
        boxes.append(flat(w, conv(w, current, 4), 4))
    return graph_of(w, source, w.apply("RELU", None, (joined(w, boxes, 1),), (1, 84, 4), QUANT))


def random_parts(seed: int) -> Graph:
    """Tensors of 3 to 8 channels and one width, cut, computed on and stacked on top of one another, some twice."""
    rng = np.random.default_rng([seed, 0x9A27])
    w = Network(rng)
    channels = int(rng.choice([3, 4, 4, 8]))
    source = w.tensor((1, int(rng.choice([4, 6, 8])), int(rng.choice([2, 4])), channels), QUANT)
    live = [source]
    for _ in range(int(rng.integers(3, 10))):
        one = live[int(rng.integers(len(live)))]
        height = w.tensors[one].shape[1]
        choice = rng.random()
        if choice < 0.35:
            live.append(conv(w, one, channels))
        elif choice < 0.45:
            live.append(w.apply("RELU", None, (one,), w.tensors[one].shape, QUANT))
        elif choice < 0.6 and height % 2 == 0:
            live += halves(w, one)
        elif choice < 0.7 and height > 1:
            count = int(rng.integers(1, height))
            live.append(rows_of(w, one, int(rng.integers(0, height - count + 1)), count))
        elif height < 24:
            parts = [one, *(int(k) for k in rng.choice(live, int(rng.integers(1, 3))))]
            fresh = rng.random() < 0.7
            live.append(joined(w, [conv(w, part, channels) for part in parts] if fresh else parts, 1))
    read = {index for op in w.ops for index in op.inputs}
    unread = [i for i in live[1:] if i not in read]
    outputs = [conv(w, i, channels) if rng.random() < 0.5 else i for i in unread]
    return graph_of(w, source, *outputs) if outputs else random_parts(seed + 1_000_003)


def views(program: Program) -> list[View]:
    return [layer.call for layer in program.layers if isinstance(layer.call, View) and layer.op.kind != "RESHAPE"]


def c_of(program: Program) -> str:
    return "".join(tree.model_files(program, plan(program), kernel_library()).values())


def test_the_boxes_of_a_detector_are_computed_where_they_are_read() -> None:
    """Whole layers: 256 + 64 + 16 bytes of boxes are 336; with them lives at most the image, which the last convolution overwrites."""
    graph = detector()
    copied, program = compile_graph(graph, without=["parts-in-place"]), compile_graph(graph)
    assert views(program) == [Assembled((0, 1, 2), (0, 256, 320))]
    assert "tinykd_join" in c_of(copied)
    assert "tinykd_join" not in c_of(program)
    assert plan(copied).arena_bytes == 2 * 336  # copied to beside themselves
    assert plan(program).arena_bytes < 2 * 336
    (whole,) = {program.storage()[layer.op.outputs[0]] for layer in program.layers if layer.op.kind == "CONV_2D"}
    assert program.tensor(whole).shape == (1, 84, 4)


def test_what_must_stay_a_copy() -> None:
    """A graph input, the same part twice, a part of crooked size, and parts that are not in one piece."""
    for channels, axis, part in ((4, 1, "input"), (4, 1, "twice"), (3, 1, "crooked"), (4, 3, "interleaved")):
        w = Network(np.random.default_rng(2))
        source = w.tensor((1, 1 if part == "crooked" else 2, 1, channels), QUANT)
        if part == "interleaved":
            w.tensors[source] = replace(w.tensors[source], shape=(1, 2, 2, channels))
        one = conv(w, source, channels)
        other = {"input": source, "twice": one}.get(part, conv(w, source, channels))
        assert views(compile_graph(graph_of(w, source, conv(w, joined(w, [one, other], axis), 4)))) == [], part


def test_outputs_keep_buffers_of_their_own() -> None:
    """With `--io outside` an output is the caller's memory, which no part of another tensor can be."""
    w = Network(np.random.default_rng(3))
    source = w.tensor((1, 2, 2, 4), QUANT)
    one, other = conv(w, source, 4), conv(w, source, 4)
    whole = joined(w, [one, other], 1)
    assert views(compile_graph(graph_of(w, source, one, whole))) == []
    program = compile_graph(graph_of(w, source, whole))
    assert len(views(program)) == 1
    memory = plan(program, outside=caller_buffers(program))
    text = "".join(tree.model_files(program, memory, kernel_library()).values())
    assert "(int8_t *)output + 16" in text  # the second part goes straight into the caller's buffer


def test_random_networks_reach_what_they_are_for() -> None:
    """Pieces, parts, parts of parts, and parts of which a piece is read."""
    programs = [compile_graph(random_parts(seed)) for seed in range(NETWORKS)]
    calls = [[type(call) for call in views(program)] for program in programs]
    assert sum(View in found for found in calls) > NETWORKS // 6
    assert sum(Assembled in found for found in calls) > NETWORKS // 6
    assert any(found.count(Assembled) > 1 for found in calls)
    assert any({View, Assembled} <= set(found) for found in calls)


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_never_a_higher_peak(seed: int) -> None:
    graph = random_parts(seed)
    assert peak_bytes(compile_graph(graph)) <= peak_bytes(compile_graph(graph, without=["parts-in-place"]))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler with sanitizers")
@pytest.mark.parametrize("start", range(0, NETWORKS, BATCH))
def test_every_tensor_equals_litert(start: int, tmp_path: Path) -> None:
    subjects = []
    for seed in range(start, start + BATCH):
        graph = random_parts(seed)
        rng = np.random.default_rng([seed, 1])
        fed = [(sampling.int8(rng, graph.tensors[graph.inputs[0]].shape),) for _ in range(2)]
        subjects.append(subject(f"parts{seed}", write_model(graph), fed))
    assert [difference for one in subjects for difference in numpy_differences(one)] == []
    assert c_differences(subjects, tmp_path) == []
