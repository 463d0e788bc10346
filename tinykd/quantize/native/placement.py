"""Where values are rounded: at the ends of the kernels that the integer model will consist of, and on which grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tinykd.compile.graph import Quant
from tinykd.compile.ops.activation import NONE
from tinykd.distill.disjoint_sets import DisjointSets
from tinykd.quantize.native.batch_norm import BatchNorm
from tinykd.quantize.native.elementwise import Clamp, Requantize
from tinykd.quantize.native.node import Node, Nodes, Source
from tinykd.quantize.native.weighted import Weighted


@dataclass(frozen=True)
class Kernel:
    """Nodes that one kernel computes.

    Attributes:
        core: The first.
        norm: A batch norm folded into `core`'s weights, or -1.
        clamp: A rectifier at the end, or -1.
        clamp_code: Its ActivationFunctionType.
    """

    core: int
    norm: int = -1
    clamp: int = -1
    clamp_code: int = NONE

    @property
    def last(self) -> int:
        """The node whose value the kernel gives."""
        return max(self.core, self.norm, self.clamp)


@dataclass(frozen=True)
class Placement:
    """Kernels and grids of a network.

    Attributes:
        kernels: In order.
        grids: The grid of each node's value, by node; -1 for values inside a kernel.
        owners: Nodes whose values a grid must hold, by grid.
        fixed: Grids that never move, but the input's.
        input_grid: Of the network's input.
    """

    kernels: tuple[Kernel, ...]
    grids: tuple[int, ...]
    owners: tuple[tuple[int, ...], ...]
    fixed: tuple[Quant | None, ...]
    input_grid: int


def place(network: Nodes) -> tuple[Nodes, Placement]:
    """Rounding places of a network, which grows by a node where a join's input must move to another grid."""
    network = _requantized(network)
    kernels = _kernels(network)
    grids = _Grids()
    of_node = [-1] * len(network.nodes)
    for kernel in kernels:
        core, last = network.nodes[kernel.core], kernel.last
        operation = core.operation
        if operation.joins:
            of_node[last] = grids.of(last, None)
            for source in core.inputs:
                grids.unite(of_node[last], of_node[source])
        elif operation.grid == "input":
            of_node[last] = of_node[core.inputs[0]]
        else:
            of_node[last] = grids.of(last, operation.quant)
    numbers = sorted({grids.root(grid) for grid in of_node if grid >= 0})
    place_of = {root: number for number, root in enumerate(numbers)}
    final = tuple(place_of[grids.root(grid)] if grid >= 0 else -1 for grid in of_node)
    owners = tuple(tuple(grids.owners[root]) for root in numbers)
    return network, Placement(kernels, final, owners, tuple(grids.fixed[root] for root in numbers), final[0])


class _Grids(DisjointSets):
    """Sets of nodes that share a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.owners: list[list[int]] = []
        self.fixed: list[Quant | None] = []

    def of(self, owner: int, fixed: Quant | None) -> int:
        self.owners.append([owner])
        self.fixed.append(fixed)
        return self.new()

    def unite(self, a: int, b: int) -> None:
        if joined := self.join(a, b):
            kept, gone = joined
            self.owners[kept] += self.owners[gone]


def _kernels(network: Nodes) -> tuple[Kernel, ...]:
    readers = network.readers()
    kernels: list[Kernel] = []
    taken: set[int] = set()
    for index, node in enumerate(network.nodes):
        if index in taken:
            continue
        kernel = Kernel(index)
        follower = _only_reader(readers, index, network)
        if isinstance(node.operation, Weighted) and follower >= 0 and isinstance(network.nodes[follower].operation, BatchNorm):
            kernel = replace(kernel, norm=follower)
            follower = _only_reader(readers, follower, network)
        if node.operation.fuses_clamp and follower >= 0:
            operation = network.nodes[follower].operation
            if isinstance(operation, Clamp):
                kernel = replace(kernel, clamp=follower, clamp_code=operation.clamp)
        taken |= {kernel.norm, kernel.clamp}
        kernels.append(kernel)
    # In order of their results: a kernel's last node stands behind those of all that it reads.
    return tuple(sorted(kernels, key=lambda kernel: kernel.last))


def _only_reader(readers: Sequence[Sequence[int]], index: int, network: Nodes) -> int:
    return readers[index][0] if len(readers[index]) == 1 and index != network.output else -1


def _requantized(network: Nodes) -> Nodes:
    """A node that moves a value to another grid before each join whose input cannot share the join's."""
    nodes: list[Node] = []
    moved: list[int] = []  # from old to new position
    stuck: list[bool] = []  # by new position: the value's grid is prescribed
    for node in network.nodes:
        inputs = [moved[source] for source in node.inputs]
        if node.operation.joins:
            for position, source in enumerate(inputs):
                if stuck[source]:
                    nodes.append(Node(f"{node.name}/input{position}", Requantize(), (source,), nodes[source].shape))
                    stuck.append(False)
                    inputs[position] = len(nodes) - 1
        follows = node.operation.grid == "input"
        stuck.append(
            isinstance(node.operation, Source) or node.operation.grid == "fixed" or (follows and stuck[inputs[0]]),
        )
        nodes.append(replace(node, inputs=tuple(inputs)))
        moved.append(len(nodes) - 1)
    return Nodes(tuple(nodes), {name: moved[index] for name, index in network.names.items()}, moved[network.output])
