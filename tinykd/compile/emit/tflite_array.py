"""The `.tflite` itself as a C array, for programs that run TFLite Micro."""

from __future__ import annotations

from collections.abc import Collection

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


RESOLVER: dict[str, str] = {
    "BATCH_MATMUL": "BatchMatMul",
    "CUMSUM": "CumSum",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}
"""Operators whose method of TFLite Micro's MicroMutableOpResolver is not their name with its words capitalised
(tensorflow/lite/micro/micro_mutable_op_resolver.h)."""

_VARIABLES = {"READ_VARIABLE", "ASSIGN_VARIABLE"}


def resolver_methods(kinds: Collection[str]) -> tuple[str, ...]:
    """What to call of the resolver for a model with operators of `kinds`: `AddConv2D`, once each."""
    needed = {*kinds, *(("CALL_ONCE", "VAR_HANDLE") if _VARIABLES & set(kinds) else ())}
    return tuple(f"Add{RESOLVER.get(kind) or ''.join(map(_capitalised, kind.split('_')))}" for kind in sorted(needed))


def _capitalised(word: str) -> str:
    return word if word[0].isdigit() else word.capitalize()


def example(names: Names, kinds: Collection[str], banner: str) -> str:
    """`main.cc`: one inference of zeros with TFLite Micro, its resolver as large as the model needs and no larger."""
    stem, macro, methods = f"{names.prefix}_tflite", f"{names.macro}_TFLITE", resolver_methods(kinds)
    calls = " ||\n      ".join(f"resolver.{method}() != kTfLiteOk" for method in methods)
    return f"""{banner}#include <cstdio>
#include <cstring>

#include "{stem}.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#ifndef {macro}_ARENA_BYTES
#define {macro}_ARENA_BYTES (64 * 1024)  // not measured when the model was exported: raise it where AllocateTensors fails
#endif

alignas(16) static uint8_t arena[{macro}_ARENA_BYTES];

int main() {{
  static tflite::MicroMutableOpResolver<{len(methods)}> resolver;
  if ({calls}) {{
    std::printf("an operator was not registered\\n");
    return 1;
  }}
  static tflite::MicroInterpreter interpreter(tflite::GetModel({stem}), resolver, arena, sizeof arena);
  if (interpreter.AllocateTensors() != kTfLiteOk) {{
    std::printf("the arena is too small, or an operator is missing\\n");
    return 1;
  }}
  for (size_t k = 0; k < interpreter.inputs_size(); ++k) {{
    std::memset(interpreter.input(k)->data.raw, 0, interpreter.input(k)->bytes);
  }}
  if (interpreter.Invoke() != kTfLiteOk) {{
    std::printf("the inference failed\\n");
    return 1;
  }}
  std::printf("{names.model}: %u bytes out, the arena has %u bytes in use\\n",
              static_cast<unsigned>(interpreter.output(0)->bytes), static_cast<unsigned>(interpreter.arena_used_bytes()));
  return 0;
}}
"""


def readme(names: Names, model_bytes: int, sha256: str, tflm_arena_bytes: int | None) -> str:
    """README.md of the array."""
    arena = f"{tflm_arena_bytes:,} bytes on a 64-bit host, less on 32-bit targets" if tflm_arena_bytes else "not measured"
    return f"""# {names.prefix}_tflite

The `.tflite` of the model '{names.model}' ({model_bytes:,} bytes, SHA-256 `{sha256}`) as a C array for TensorFlow Lite Micro.
Arena of TFLite Micro: {arena}.

Add `{names.prefix}_tflite.c` to your sources and `{names.prefix}_tflite.h` with the folder `tinykd` to your include path. The array is
aligned to 16 bytes, as `tflite::GetModel` requires. `main.cc` beside this file runs one inference; its resolver registers every operator of
the model, each once. Build it with a tree of TFLite Micro on the include path and its library:

    c++ -std=c++17 -I. -I$TFLM {names.prefix}_tflite_example/main.cc {names.prefix}_tflite.c -L$TFLM_LIB -ltensorflow-microlite

TFLite Micro rounds FULLY_CONNECTED twice where LiteRT rounds once: outputs may differ by one from those of Python.
The same model without an interpreter: `tinykd export --format single-file`, `cmake`, `arduino` and others.
"""
