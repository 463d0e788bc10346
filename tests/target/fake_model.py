"""A hand-written tree in the shape of the generated one: 16 inputs, output = saturate(input + weight)."""

from __future__ import annotations

import zlib
from pathlib import Path

from tinykd.target.firmware import firmware_sources
from tinykd.target.targets import Target

BYTES = 16
TENSOR = 7
"""The number under which the fake model traces its output."""

HEADER = """
#ifndef TINYKD_MODEL_H
#define TINYKD_MODEL_H
#include <stdint.h>
#define TINYKD_VERSION "0.0.1"
#define TINYKD_MODEL_SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TINYKD_MODEL_NAME "fake"
#define TINYKD_MODEL_ARENA_BYTES 64u
#define TINYKD_MODEL_INPUTS 1u
#define TINYKD_MODEL_OUTPUTS 1u
#define TINYKD_MODEL_INPUT_BYTES 16u
#define TINYKD_MODEL_OUTPUT_BYTES 16u
int tinykd_fake_invoke(void *arena);
static inline void *tinykd_model_input(void *arena, uint32_t k, uint32_t *bytes)
{
    (void)k;
    *bytes = 16u;
    return arena;
}
static inline const void *tinykd_model_output(const void *arena, uint32_t k, uint32_t *bytes)
{
    (void)k;
    *bytes = 16u;
    return (const uint8_t *)arena + 32;
}
static inline void tinykd_model_reset(void *arena)
{
    (void)arena;
}
static inline int tinykd_model_invoke(void *arena)
{
    return tinykd_fake_invoke(arena);
}
struct tinykd_constant {
    const void *at;
    uint32_t bytes;
};
extern const struct tinykd_constant tinykd_constants[];
extern const uint32_t tinykd_constant_count;
extern const uint32_t tinykd_constants_crc;
extern const uint32_t tinykd_golden_count;
extern const uint8_t tinykd_golden_inputs[];
extern const uint8_t tinykd_golden_outputs[];
#endif
"""

SHA256 = "0123456789abcdef" * 4
CONSTANTS_CRC = zlib.crc32(b"\1" * BYTES)
BANNER = f"tinykd 0.0.1, fake, model {SHA256}\nweights intact\n"
"""What the firmware says of itself when it starts."""

MODEL = """
#include "tinykd_model.h"
extern const int8_t tinykd_fake_weights[];
#ifdef TINYKD_TRACE
void tinykd_trace(int tensor, const void *data, uint32_t bytes);
#endif
int tinykd_fake_invoke(void *arena)
{
    const int8_t *input = (const int8_t *)arena;
    int8_t *output = (int8_t *)arena + 32;

    for (int i = 0; i < 16; ++i) {
        const int sum = input[i] + tinykd_fake_weights[i];
        output[i] = (int8_t)(sum > 127 ? 127 : sum);
    }
#ifdef TINYKD_TRACE
    tinykd_trace(7, output, 16u);
#endif
    return 0;
}
"""

WEIGHTS = """
#include <stdint.h>
extern const int8_t tinykd_fake_weights[];
const int8_t tinykd_fake_weights[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
"""

CONSTANTS = f"""
#include "tinykd_model.h"
extern const int8_t tinykd_fake_weights[];
const struct tinykd_constant tinykd_constants[] = {{{{tinykd_fake_weights, {BYTES}u}}}};
const uint32_t tinykd_constant_count = 1u;
const uint32_t tinykd_constants_crc = {CONSTANTS_CRC}u;
"""

GOLDEN = """
#include "tinykd_model.h"
const uint32_t tinykd_golden_count = 2u;
const uint8_t tinykd_golden_inputs[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 127, 255,
                                        128, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 126};
const uint8_t tinykd_golden_outputs[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 127, 0,
                                         129, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 127};
"""


def write_fake_model(tree: Path, target: Target, model: str = MODEL) -> Path:
    """Write the fake model and the firmware of `target` into `tree`; returns `tree`."""
    files = {
        "include/tinykd_model.h": HEADER,
        "src/tinykd_fake.c": model,
        "src/tinykd_fake_weights.c": WEIGHTS,
        "src/tinykd_fake_constants.c": CONSTANTS,
        "src/tinykd_fake_golden.c": GOLDEN,
        **firmware_sources(target),
    }
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree


def expected(fed: bytes) -> bytes:
    """What the fake model computes, in Python."""
    signed = [b - 256 if b > 127 else b for b in fed]
    return bytes(min(s + 1, 127) & 0xFF for s in signed)
