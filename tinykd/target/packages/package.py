"""What every format of a package is made from."""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.emit.names import Names


@dataclass(frozen=True)
class Package:
    """A compiled model as text, its example, and what descriptions say about it.

    Attributes:
        model: C name without the prefix, `digits`.
        version: of the package, three numbers.
        url: where the package is published.
        sha256: of the `.tflite`.
        header: `tinykd_digits.h`, the public one.
        source: `tinykd_digits.c`, everything else.
        golden: `tinykd_digits_golden.h`, for the example.
        inference: the example's own lines in C that are also C++: memory, and `differing_bytes(k)`.
        usage: an inference of the user's own input, an indented block of C for a README.
        target: what the kernels were chosen for, `cortex-m4`.
        arena_bytes, constant_bytes: what it takes of RAM and flash, stack and code apart.
        macs: multiply-accumulates of one inference.
        optimize: compiler flags.
        licence: text of the kernels' licence.
    """

    model: str
    version: str
    url: str
    sha256: str
    header: str
    source: str
    golden: str
    inference: str
    usage: str
    target: str
    arena_bytes: int
    constant_bytes: int
    macs: int
    optimize: tuple[str, ...]
    licence: str

    @property
    def prefix(self) -> str:
        """The stem of all names in C, files and packages: `tinykd_digits`."""
        return Names(self.model).prefix

    @property
    def macro(self) -> str:
        return Names(self.model).macro

    @property
    def summary(self) -> str:
        """One sentence."""
        return f"The neural network '{self.model}' as C without dependencies, compiled by tinykd."

    def library(self, headers: str, sources: str) -> dict[str, str]:
        """The generated code, the same in every format, in the folders where a format wants it ('' or 'include/')."""
        return {f"{headers}{self.prefix}.h": self.header, f"{sources}{self.prefix}.c": self.source}
