"""Make: a static library and an example."""

from __future__ import annotations

from tinykd.target.packages.package import Package
from tinykd.target.packages.program import c_program
from tinykd.target.packages.readme import readme


def files(package: Package) -> dict[str, str]:
    """Text by path in the package."""
    return {
        **package.library("include/", "src/"),
        "Makefile": _makefile(package),
        "example/main.c": c_program(package, "make check"),
        f"example/{package.prefix}_golden.h": package.golden,
        "README.md": readme(package, _add(package), "    make check\n"),
        "LICENSE": package.licence,
    }


def _makefile(package: Package) -> str:
    prefix = package.prefix
    return f"""# {package.summary}
# make: build/lib{prefix}.a. make check: the example, built and run.
# Another core: make CROSS=arm-none-eabi- CC=arm-none-eabi-gcc CORE="-mcpu=cortex-m4 -mthumb"
AR = $(CROSS)ar
CORE =
CFLAGS = {" ".join(package.optimize)} -Wall -Wextra
FLAGS = -std=c99 $(CORE) $(CFLAGS) -ffunction-sections -fdata-sections -Iinclude

build/lib{prefix}.a: build/{prefix}.o
\trm -f $@
\t$(AR) rcs $@ $<

build/{prefix}.o: src/{prefix}.c include/{prefix}.h
\t@mkdir -p build
\t$(CC) $(FLAGS) -c $< -o $@

build/example: example/main.c example/{prefix}_golden.h build/lib{prefix}.a
\t$(CC) $(FLAGS) $(LDFLAGS) example/main.c build/lib{prefix}.a -o $@

check: build/example
\t./build/example

clean:
\trm -rf build

.PHONY: check clean
"""


def _add(package: Package) -> str:
    prefix = package.prefix
    return f"""    make -C {prefix} CROSS=arm-none-eabi- CC=arm-none-eabi-gcc CORE="-mcpu=cortex-m4 -mthumb"

Then compile with `-I{prefix}/include` and link `{prefix}/build/lib{prefix}.a`. Or add `src/{prefix}.c` to your own sources.
"""
