"""What a kernel call costs in instructions, from shapes alone: the price of a choice before anything is built.

    instructions = mac * MACs + output * outputs + window * values in windows + position * positions + call * calls

A position is an element of the output without its last axis, a pixel; the values in its window are the inputs that it reads for
one filter. A layer is one call, or one a row where it is part of a chain. The constants are fitted to profiles by
`python bench/cost_model.py FOLDER`, which prints this table: gcc, on the core beside each kernel. Between candidates for one core only
their order matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program


@dataclass(frozen=True)
class Work:
    """What a layer has to do, counted.

    Attributes:
        macs: multiply-accumulates.
        outputs: elements.
        windows: values in the windows of all positions.
        positions: elements of the output without its last axis.
        calls: of the kernel.
    """

    macs: int
    outputs: int
    windows: int
    positions: int
    calls: int = 1


@dataclass(frozen=True)
class Cost:
    """Instructions for each unit of `Work`."""

    mac: float
    output: float
    window: float
    position: float
    call: float

    def of(self, work: Work) -> int:
        """Instructions of so much work."""
        spent = self.mac * work.macs + self.output * work.outputs + self.window * work.windows + self.position * work.positions
        return round(spent + self.call * work.calls)


COSTS: Mapping[str, Cost] = {
    # m3, 33 layers, worst +2 % (mlperf_ic 11, ram)
    "add.c": Cost(mac=0, output=44.5, window=22.3, position=25.2, call=978),
    # m3, 9 layers, worst +5 % (mlperf_ic 12, ram)
    "average_pool_2d.c": Cost(mac=0, output=53.2, window=7.1, position=0, call=0),
    # m3, 116 layers, worst -22 % (tinyengine_vww 1, speed)
    "blocked/conv_2d.c": Cost(mac=1.92, output=19.1, window=0.692, position=69.8, call=578),
    # m3, 64 layers, worst +22 % (mlperf_vww 3, ram)
    "blocked/depthwise_conv_2d.c": Cost(mac=6.35, output=0, window=0, position=0, call=2730),
    # m3, 28 layers, worst +16 % (mlperf_ad 4, speed)
    "blocked/fully_connected.c": Cost(mac=2.42, output=54.7, window=4.2, position=39.8, call=39.8),
    # m3, 58 layers, worst -62 % (mlperf_kws 0, speed)
    "conv_2d.c": Cost(mac=5.75, output=112, window=13.9, position=18.6, call=0),
    # m3, 32 layers, worst +28 % (tinyengine_vww 52, speed)
    "depthwise_conv_2d.c": Cost(mac=4.99, output=122, window=44.4, position=0, call=0),
    # m55, 2 layers, worst +0 % (tinyengine_vww 58, speed)
    "dequantize.c": Cost(mac=0, output=0, window=31, position=0, call=0),
    # m4, 116 layers, worst -26 % (mlperf_vww 0, ram)
    "dsp/conv_2d.c": Cost(mac=0.852, output=12.6, window=0, position=164, call=514),
    # m4, 46 layers, worst -43 % (tinyengine_vww 44, ram)
    "dsp/depthwise_3x3.c": Cost(mac=1.38, output=12.4, window=0, position=0, call=803),
    # m4, 18 layers, worst +19 % (tinyengine_vww 30, ram)
    "dsp/depthwise_conv_2d.c": Cost(mac=1.54, output=30.1, window=2.79, position=0, call=3870),
    # m4, 22 layers, worst -1 % (mlperf_ic 3, ram)
    "dsp/elementwise.c": Cost(mac=0, output=8.44, window=4.22, position=2.23, call=142),
    # m4, 28 layers, worst +21 % (mlperf_ad 4, speed)
    "dsp/fully_connected.c": Cost(mac=1.01, output=32.2, window=1.64, position=55.4, call=55.4),
    # m4, 6 layers, worst +1 % (mlperf_ic 12, speed)
    "dsp/pooling.c": Cost(mac=0, output=18.9, window=1.46, position=0, call=0),
    # m3, 14 layers, worst -0 % (mlperf_ic 14, speed)
    "fully_connected.c": Cost(mac=6, output=51.5, window=0.00178, position=12.9, call=12.9),
    # m55, 4 layers, worst -2 % (tinyengine_vww 56, ram)
    "mean.c": Cost(mac=0, output=0, window=29.2, position=0, call=0),
    # m55, 116 layers, worst -30 % (tinyengine_vww 4, ram)
    "mve/conv_2d.c": Cost(mac=0.162, output=1.38, window=0, position=29.2, call=130),
    # m55, 64 layers, worst -29 % (tinyengine_vww 44, speed)
    "mve/depthwise_conv_2d.c": Cost(mac=0.459, output=3.02, window=0, position=0, call=1620),
    # m55, 28 layers, worst +20 % (mlperf_ad 4, speed)
    "mve/fully_connected.c": Cost(mac=0.134, output=5.58, window=0.156, position=41.8, call=41.8),
    # m55, 6 layers, worst -4 % (mlperf_vww 27, ram)
    "mve/pooling.c": Cost(mac=0, output=27.4, window=0.403, position=0, call=0),
    # m55, 2 layers, worst +0 % (tinyengine_vww 0, speed)
    "mve/quantize.c": Cost(mac=0, output=0, window=3.51, position=0, call=0),
    # m55, 22 layers, worst -5 % (mlperf_ic 3, ram)
    "mve/weighted_sum.c": Cost(mac=0, output=1.57, window=0.785, position=1.89, call=141),
    # m4, 2 layers, worst -0 % (tinyengine_vww 0, speed)
    "quantize.c": Cost(mac=0, output=0, window=31, position=0, call=0),
    # m55, 6 layers, worst -56 % (mlperf_vww 30, ram)
    "softmax.c": Cost(mac=0, output=35.3, window=35.3, position=0, call=0),
    # m3, 2 layers, worst -0 % (tinyengine_vww 0, speed)
    "software_float/quantize_steps.c": Cost(mac=0, output=0, window=88, position=0, call=0),
    # m55, 2 layers, worst +0 % (tinyengine_vww 54, speed)
    "strided_copy.c": Cost(mac=0, output=0, window=9.71, position=0, call=0),
}
"""By the file of the kernel, whose variants differ little."""

UNKNOWN = Cost(mac=8, output=25, window=0, position=0, call=100)
"""Of kernels that are not in the table."""


def work(program: Program, layer: Layer, calls: int = 1) -> Work:
    """What `layer` has to do, in so many calls."""
    shape = program.tensor(layer.op.subject).shape
    outputs = sum(program.tensor(index).elements for index in layer.op.outputs)
    read = sum(program.tensor(index).elements for index in layer.passed)
    channels = shape[-1] if shape else 1
    return Work(layer.macs, outputs, layer.macs // channels if layer.macs else read, prod(shape[:-1]), calls)


def instructions(program: Program, layer: Layer, calls: int = 1) -> int:
    """Estimate of the instructions that `layer` takes; 0 for a view."""
    if not isinstance(layer.call, Call):
        return 0
    return COSTS.get(layer.call.source, UNKNOWN).of(work(program, layer, calls))
