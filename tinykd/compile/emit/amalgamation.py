"""Several C files as one: local includes replaced by their text, once each, and functions renamed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_EXTERNAL = re.compile(r"^(?:(?!static\b|typedef\b)[a-z][\w ]*[ *]|[A-Z]\w*\()(tinykd_\w+)[(,)]", re.MULTILINE)
"""The name of a function that starts a line, as the kernels' definitions do: it is not static, or a macro makes it."""

_LOCAL = re.compile(r'^#include "([^"]+)"\s*$')
_SYSTEM = re.compile(r"^#include <(stdint|string)\.h>\s*$")
"""What every C99 compiler has; other headers stay where the code asks for them, inside its conditions."""


def amalgamate(files: Mapping[str, str], sources: list[str], keep: str) -> str:
    """One C file from `sources`.

    Args:
        files: text by the name that includes use (`tinykd/requantize.h`, `tinykd_digits.h`) or of the source itself.
        sources: the C files to join, in order.
        keep: the one local header that stays an include, the public one.
    """
    seen: set[str] = set()
    system: list[str] = []

    def expand(name: str) -> list[str]:
        lines: list[str] = []
        for line in files[name].splitlines():
            local, standard = _LOCAL.match(line), _SYSTEM.match(line)
            if standard:
                if standard[1] not in system:
                    system.append(standard[1])
            elif local:
                if local[1] != keep and local[1] not in seen:
                    seen.add(local[1])
                    lines += expand(local[1])
            else:
                lines.append(line)
        return lines

    body = [line for source in sources for line in expand(source)]
    includes = [f'#include "{keep}"', "", *(f"#include <{name}.h>" for name in sorted(system)), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(includes + body)) + "\n"


def external_functions(sources: Iterable[str]) -> frozenset[str]:
    """Names of the functions that the C text of kernels defines for others."""
    return frozenset(name for text in sources for name in _EXTERNAL.findall(text))


def renamed(text: str, functions: frozenset[str], prefix: str) -> str:
    """`text` with `tinykd_conv_2d_s8` of `functions` as `PREFIX_conv_2d_s8`.

    Two models in one program then bring their kernels without a symbol twice, each in the version that it was proven with.
    """
    return re.sub(r"\btinykd_\w+\b", lambda m: m[0].replace("tinykd", prefix, 1) if m[0] in functions else m[0], text)
