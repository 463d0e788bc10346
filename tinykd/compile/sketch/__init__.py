"""Networks by their shapes: RAM and flash before there is a weight, for searches that ask about thousands of students.

    from tinykd.compile.sketch import Sketch, flash, peak_ram

    net = Sketch()
    x = net.input(32, 32, 3)
    x = net.conv_2d(x, 16, kernel=3, stride=2)
    x = net.dense(net.global_average_pool(x), 10)
    graph = net.graph(x)
    peak_ram(graph), flash(graph)

`from_keras(model)` draws a Keras model, and any `Graph` will do: its weights are not looked at. Both take the features of a core
(`tinykd.target.features.FEATURES["cortex-m4"]`), by which kernels are chosen.
Stand-in weights go through the compiler itself, operator by operator, so kernels, scratch and distances are those of the real
model. What an operator of some shape becomes is remembered: a search meets the same layers again and again.
"""

from tinykd.compile.sketch.keras import from_keras
from tinykd.compile.sketch.network import Sketch
from tinykd.compile.sketch.size import flash, peak_ram
from tinykd.compile.sketch.weightless import weightless

__all__ = ["Sketch", "flash", "from_keras", "peak_ram", "weightless"]
