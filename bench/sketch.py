"""What a search pays for the arena of a student: CPU milliseconds of `peak_ram` for networks of 60 layers, and of compiling one.

    python bench/sketch.py [--core cortex-m4]

`first` meets every layer's shape for the first time, `again` draws the network anew and asks once more, `compiled` is the same
network lowered, given its kernels and planned, as an export does. Times vary with the machine; the ratio says what it is worth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

from tinykd.compile.graph import Graph
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.plan import plan
from tinykd.compile.sketch import Sketch, peak_ram
from tinykd.compile.specialise import specialise
from tinykd.target.features import FEATURES

REPEATS = 30


def separable() -> Graph:
    """28 depthwise-separable blocks over 96x96."""
    net = Sketch()
    x, channels = net.conv_2d(net.input(96, 96, 3), 8, 3, stride=2), 8
    for block in range(28):
        stride = 2 if block in (1, 3, 6, 14) else 1
        channels = min(2 * channels, 256) if stride == 2 or block == 0 else channels
        x = net.conv_2d(net.depthwise_conv_2d(x, 3, stride=stride), channels, 1)
    return net.graph(net.softmax(net.dense(net.global_average_pool(x), 10)))


def inverted_residual() -> Graph:
    """15 inverted residuals with shortcuts over 80x80."""
    net = Sketch()
    x, channels = net.conv_2d(net.input(80, 80, 3), 8, 3, stride=2), 8
    for block in range(15):
        stride = 2 if block in (1, 4, 9) else 1
        wider = channels + 8 * (stride - 1)
        y = net.depthwise_conv_2d(net.conv_2d(x, 6 * channels, 1), 5, stride=stride)
        y = net.conv_2d(y, wider, 1, activation="none")
        x, channels = net.add(x, y) if stride == 1 else y, wider
    return net.graph(net.dense(net.global_average_pool(x), 10))


NETWORKS: Mapping[str, Callable[[], Graph]] = {"separable": separable, "inverted residual": inverted_residual}


def milliseconds(work: Callable[[], object], repeats: int = 1) -> float:
    """The least CPU time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", default="cortex-m4", choices=sorted(FEATURES))
    features = FEATURES[parser.parse_args().core]
    print(f"{'network':<20}{'layers':>7}{'first':>8}{'again':>8}{'compiled':>10}{'ratio':>7}{'fast':>9}{'exact':>9}")
    for name, draw in NETWORKS.items():
        graph = draw()
        first = milliseconds(lambda graph=graph: peak_ram(graph, features))  # type: ignore[misc]
        again = milliseconds(lambda draw=draw: peak_ram(draw(), features), REPEATS)  # type: ignore[misc]
        compiled = milliseconds(lambda graph=graph: plan(specialise(compile_graph(graph), features)))  # type: ignore[misc]
        fast, exact = peak_ram(graph, features), peak_ram(graph, features, "exact")
        print(f"{name:<20}{len(graph.ops):>7}{first:>8.1f}{again:>8.1f}{compiled:>10.0f}{compiled / again:>7.0f}{fast:>9,}{exact:>9,}")


if __name__ == "__main__":
    main()
