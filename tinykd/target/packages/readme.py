"""The README of a package: what it is, how to add it, how to use it, how to see that it computes right."""

from __future__ import annotations

from tinykd.target.packages.package import Package

NEWLINE = "\n"


def readme(package: Package, add: str, example: str) -> str:
    """README.md.

    Args:
        add: how a project takes the package, Markdown.
        example: how to build and run the example, Markdown.
    """
    prefix = package.prefix
    return f"""# {prefix} {package.version}

{package.summary}
No heap, no globals but constants, no libc beyond `stdint.h` and `string.h`.

| | |
|---|---|
| model | SHA-256 `{package.sha256}` |
| RAM | arena of {package.arena_bytes:,} bytes, aligned to 16, yours; stack apart |
| flash | {package.constant_bytes:,} bytes of constants; code apart |
| work | {package.macs:,} multiply-accumulates an inference |
| kernels | chosen for {package.target}; they compile for any core with 32-bit `int` and compute the same integers there |

## Add it

{add.strip(NEWLINE)}

## Use it

{package.usage.rstrip()}

Every symbol bears the model's name, so several models, even of different versions of tinykd, go into one program. One arena can serve
several models that do not run at the same time and keep no state: as large as the largest needs.

## See that it computes the right integers

{example.strip(NEWLINE)}

It prints `{package.model}: ... golden vectors, 0 output bytes differ`.

## Whose it is

`{prefix}.c` and `.h` are generated and yours, as is this example. The kernels inside are tinykd's, under Apache-2.0 (LICENSE).
To change anything, export again: the same model, version and options give the same bytes.
"""
