"""One `.c` and one `.h` for any build, with an example in a folder of its own so that a wildcard over `*.c` does not meet its `main`."""

from __future__ import annotations

from tinykd.target.packages.package import Package
from tinykd.target.packages.program import c_program
from tinykd.target.packages.readme import readme


def files(package: Package) -> dict[str, str]:
    """Text by path beside other files of the user."""
    example = f"{package.prefix}_example/"
    command = f"cc -std=c99 -I. {package.prefix}.c {example}main.c -o example && ./example"
    add = f"Add `{package.prefix}.c` to your sources and keep `{package.prefix}.h` beside it."
    return {
        **package.library("", ""),
        f"{example}main.c": c_program(package, command),
        f"{example}{package.prefix}_golden.h": package.golden,
        f"{example}README.md": readme(package, add, f"    {command}\n"),
        f"{example}LICENSE": package.licence,
    }
