"""Integers against integers: counts and places of what differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from tinykd.compile.graph import Array, Tensor
from tinykd.errors import ToolError


def unpacked(data: bytes, tensors: Iterable[Tensor]) -> list[Array]:
    """Tensors that lie end to end in `data`, little-endian."""
    arrays, at = [], 0
    for tensor in tensors:
        piece = data[at : at + tensor.bytes]
        if len(piece) != tensor.bytes:
            raise ToolError(f"the firmware sent {len(data)} bytes, too few for '{tensor.name}'", "export and build again")
        arrays.append(np.frombuffer(piece, np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape))
        at += tensor.bytes
    return arrays


@dataclass
class Tally:
    """Elements compared of one tensor over all samples.

    Attributes:
        elements: compared.
        differences: of them, those that differ.
        first: (sample, element, expected, computed) of the first difference.
    """

    elements: int = 0
    differences: int = 0
    first: tuple[int, int, float, float] | None = None


@dataclass
class Comparison:
    """Tallies by tensor index, as samples come in."""

    tallies: dict[int, Tally] = field(default_factory=dict)

    def add_reduced(self, sample: int, index: int, tensor: Tensor, expected: Array, computed: Array) -> None:
        """Compare one computed tensor with the model's; a channel that was removed as constant must be that constant there."""
        if tensor.reduced is not None:
            expected, computed = tensor.reduced.known_of(expected), tensor.reduced.restored(computed)
        self.add(sample, index, expected, computed)

    def add(self, sample: int, index: int, expected: Array, computed: Array) -> None:
        """Compare one tensor of one sample bit for bit."""
        tally = self.tallies.setdefault(index, Tally())
        want, got = expected.ravel(), computed.ravel()
        if want.size != got.size:
            raise ToolError(f"tensor {index} has {got.size} elements on the target, expected {want.size}", "export and build again")
        bits = np.dtype(f"u{want.dtype.itemsize}")
        wrong = np.flatnonzero(np.ascontiguousarray(want).view(bits) != np.ascontiguousarray(got.astype(want.dtype)).view(bits))
        tally.elements += want.size
        tally.differences += wrong.size
        if wrong.size and tally.first is None:
            at = int(wrong[0])
            tally.first = (sample, at, want[at].item(), got[at].item())

    @property
    def compared(self) -> int:
        return sum(tally.elements for tally in self.tallies.values())

    @property
    def differences(self) -> int:
        return sum(tally.differences for tally in self.tallies.values())
