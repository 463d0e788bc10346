"""The `.tflite` itself as a C array, for programs that run TFLite Micro."""

from __future__ import annotations

from tinykd.compile.emit.names import Names


def header(names: Names, model_bytes: int, tflm_arena_bytes: int | None, banner: str) -> str:
    """`tinykd_NAME_tflite.h`.

    Args:
        tflm_arena_bytes: the arena that TFLite Micro needed on this machine; None if it was not measured.
    """
    macro = f"{names.macro}_TFLITE"
    if tflm_arena_bytes is None:
        arena = "/* The arena that TFLite Micro needs was not measured: install the tflite-micro package and export again. */"
    else:
        arena = (
            "/* The arena that TFLite Micro needed for this model on a 64-bit host; 32-bit targets need less. */\n"
            f"#define {macro}_ARENA_BYTES {tflm_arena_bytes}"
        )
    return f"""{banner}#ifndef {macro}_H
#define {macro}_H

#define {macro}_BYTES {model_bytes}u
{arena}

#ifdef __cplusplus
extern "C" {{
#endif

/* Aligned to 16 bytes, as TFLite Micro's GetModel requires. */
extern const unsigned char {names.prefix}_tflite[{macro}_BYTES];

#ifdef __cplusplus
}}
#endif

#endif
"""


def source(names: Names, model: bytes, banner: str) -> str:
    """`tinykd_NAME_tflite.c`."""
    lines = (", ".join(f"0x{b:02x}" for b in model[k : k + 16]) for k in range(0, len(model), 16))
    body = ",\n".join(f"    {line}" for line in lines)
    return f"""{banner}#include "{names.prefix}_tflite.h"

#include "tinykd/compiler.h"

TINYKD_ALIGNED(16) const unsigned char {names.prefix}_tflite[{names.macro}_TFLITE_BYTES] = {{
{body}
}};
"""
