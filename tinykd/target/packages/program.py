"""The example's program: golden vectors repeated and the result printed, by whatever a framework starts and prints with."""

from __future__ import annotations

from tinykd.target.packages.package import Package

LINE = "%d golden vectors, %lu output bytes differ"
"""What every example prints behind the model's name, as a format of printf."""


def banner(package: Package, how: str) -> str:
    """The comment that starts an example; `how` says how to run it."""
    what = f"Repeats the golden vectors of the model '{package.model}': 0 bytes differ where this machine computes what Python did."
    return f"/* {what}\n * {how} */\n"


def start(package: Package, includes: tuple[str, ...]) -> str:
    """Everything above the entry function."""
    own = ("<string.h>", f'"{package.prefix}.h"', f'"{package.prefix}_golden.h"')
    return "".join(f"#include {name}\n" for name in (*includes, *own)) + f"\n{package.inference}\n{_total(package)}"


def _total(package: Package) -> str:
    return f"""static unsigned long differing_in_all(void)
{{
    unsigned long differing = 0;

    for (int k = 0; k < {package.macro}_GOLDEN; ++k) {{
        differing += differing_bytes(k);
    }}
    return differing;
}}
"""


def c_program(package: Package, how: str, *, include: str = "<stdio.h>", entry: str = "int main(void)", show: str = "printf") -> str:
    """`main.c` of a framework with a function like printf.

    Args:
        how: a line about building it.
        include: the header that declares `show`.
        entry: the function that the framework starts; one of type int returns 1 if integers differ.
    """
    end = "    return differing != 0ul;\n" if entry.startswith("int") else ""
    return f"""{banner(package, how)}{start(package, (include,))}
{entry}
{{
    const unsigned long differing = differing_in_all();

    {show}("{package.model}: {LINE}\\n", {package.macro}_GOLDEN, differing);
{end}}}
"""
