"""C names and types of a program."""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.graph import Tensor

CTYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "bool": "uint8_t", "int16": "int16_t",
    "int32": "int32_t", "float32": "float", "int64": "int64_t",
}  # fmt: skip
"""The C type of one element, by dtype."""


@dataclass(frozen=True)
class Names:
    """The C names of a model.

    Attributes:
        model: lower-case identifier, the graph's name.
    """

    model: str

    @property
    def prefix(self) -> str:
        return f"tinykd_{self.model}"

    @property
    def macro(self) -> str:
        return self.prefix.upper()

    def port(self, role: str, position: int, count: int) -> str:
        """`role` alone for a model's only input or output, else with its number: `input`, `input_0`, `input_1`."""
        return role if count == 1 else f"{role}_{position}"


def described(tensor: Tensor) -> str:
    """`int8 [1, 8, 8, 1]`, as comments show a tensor."""
    return f"{tensor.dtype} [{', '.join(map(str, tensor.shape))}]"


def comment(text: str) -> str:
    """`text` made safe inside a C comment: printable ASCII, no end or start of a comment."""
    plain = "".join(c if 32 <= ord(c) < 127 else "?" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *")
