"""Networks by their shapes: the figures of the real thing, before there is one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compile.models import conv_then_dense
from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import collect
from tinykd.compile.graph import Graph
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Program
from tinykd.compile.sketch import Sketch, flash, peak_ram, weightless
from tinykd.compile.specialise import specialise
from tinykd.deploy.source import open_source
from tinykd.target.features import FEATURES

MODELS = sorted(Path(os.environ.get("TINYKD_CONFORMANCE", "models")).rglob("*.tflite"))
CORES = sorted({*FEATURES.values(), ()})


def real(graph: Graph, features: tuple[str, ...]) -> Program:
    """What an export compiles, but for the channels that its weights make constant."""
    return specialise(compile_graph(graph, without=("constant-channels",)), features)


@pytest.mark.parametrize("features", CORES, ids="-".join)
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_figures_are_those_of_the_real_model(model: Path, features: tuple[str, ...]) -> None:
    graph = open_source(model).graph
    program, arena = real(graph, features), peak_ram(graph, features, "exact")
    assert arena == plan_for(program, "speed").arena_bytes
    assert peak_ram(graph, features) >= arena
    tables = collect(program, Names("net")).bytes
    # an export keeps one of equal tables, and Helium's for shifts to the left depend on the weights
    assert flash(graph, features) == pytest.approx(tables, rel=0.01)


@pytest.mark.parametrize("optimize", ["balanced", "ram"])
def test_rows_are_those_of_the_real_model(optimize: str) -> None:
    graph = weightless(_mobile(16, 3))
    features = FEATURES["cortex-m4"]
    assert peak_ram(graph, features, "exact", optimize=optimize) == plan_for(real(graph, features), optimize).arena_bytes
    assert peak_ram(graph, features, optimize=optimize) < peak_ram(graph, features)


def test_weights_are_not_looked_at() -> None:
    assert {peak_ram(conv_then_dense(seed)) for seed in range(5)} == {peak_ram(weightless(conv_then_dense()))}
    assert len({flash(conv_then_dense(seed)) for seed in range(5)}) == 1


def _mobile(width: int, blocks: int) -> Graph:
    """Depthwise-separable blocks, halved every second."""
    net = Sketch()
    x = net.conv_2d(net.input(48, 48, 3), width, 3, stride=2)
    for block in range(blocks):
        x = net.depthwise_conv_2d(x, 3, stride=1 + block % 2)
        x = net.conv_2d(x, width * (1 + block // 2), 1)
    return net.graph(net.softmax(net.dense(net.global_average_pool(x), 10)))


def _residual(width: int, blocks: int) -> Graph:
    """Two convolutions and a shortcut, then a concatenation."""
    net = Sketch()
    x = net.conv_2d(net.input(20, 20, 3), width, 3)
    for _ in range(blocks):
        x = net.add(x, net.conv_2d(net.conv_2d(x, width, 3), width, 3, activation="none"), activation="relu")
    x = net.concatenate(net.max_pool_2d(x, 2, stride=2), net.conv_2d(x, width, 3, stride=2))
    return net.graph(net.dense(net.average_pool_2d(x, 2, stride=2), 10, activation="relu"))


@settings(max_examples=30)
@given(
    st.sampled_from([_mobile, _residual]), st.integers(1, 8).map(lambda k: 4 * k), st.integers(1, 4), st.sampled_from(FEATURES["cortex-m4"])
)
def test_wider_networks_need_no_less(draw: Callable[[int, int], Graph], width: int, blocks: int, feature: str) -> None:
    narrow, wide = draw(width, blocks), draw(width + 4, blocks)
    assert peak_ram(narrow, ()) <= peak_ram(wide, ())
    assert flash(narrow, ()) < flash(wide, ())
    assert peak_ram(narrow, (feature,)) >= peak_ram(narrow, (feature,), "exact")
    assert peak_ram(narrow, (feature,), io="outside") <= peak_ram(narrow, (feature,))


def test_flash_of_a_dense_layer_is_what_it_holds() -> None:
    """12 inputs, 5 outputs: weights, biases, multipliers of 32 bits and shifts of 8."""
    net = Sketch()
    graph = net.graph(net.dense(net.input(12), 5))
    assert flash(graph) == 12 * 5 + 4 * 5 + 4 * 5 + 5


def test_a_dense_layer_keeps_its_input_until_it_is_done() -> None:
    net = Sketch()
    assert peak_ram(net.graph(net.dense(net.input(32), 16))) == 48
