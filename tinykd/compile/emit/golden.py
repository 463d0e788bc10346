"""Golden vectors: inferences that the firmware repeats when it starts, with the outputs it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.emit.tables import literal
from tinykd.compile.graph import Array


@dataclass(frozen=True)
class Golden:
    """Inferences as bytes.

    Attributes:
        inputs: for each vector, all inputs end to end.
        outputs: for each vector, all outputs end to end.
    """

    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]

    def within(self, limit: int) -> Golden:
        """As many of the first vectors as fit `limit` bytes of flash."""
        used, count = 0, 0
        for fed, got in zip(self.inputs, self.outputs):
            used += len(fed) + len(got)
            if used > limit:
                break
            count += 1
        return Golden(self.inputs[:count], self.outputs[:count])


def packed(arrays: Sequence[Array]) -> bytes:
    """Little-endian bytes of several arrays end to end."""
    return b"".join(np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<"), copy=False).tobytes() for a in arrays)


def source(golden: Golden, banner: str) -> str:
    """`src/tinykd_NAME_golden.c`."""
    inputs = literal("uint8_t", np.frombuffer(b"".join(golden.inputs) or b"\0", np.uint8))
    outputs = literal("uint8_t", np.frombuffer(b"".join(golden.outputs) or b"\0", np.uint8))
    return f"""{banner}#include "tinykd_model.h"

/* A product that needs the flash builds with TINYKD_GOLDEN=0 and gives up the self-test at start. */
#ifndef TINYKD_GOLDEN
#define TINYKD_GOLDEN 1
#endif

#if TINYKD_GOLDEN
const uint32_t tinykd_golden_count = {len(golden.inputs)}u;

const uint8_t tinykd_golden_inputs[] = {{
{inputs}
}};

const uint8_t tinykd_golden_outputs[] = {{
{outputs}
}};
#else
const uint32_t tinykd_golden_count = 0u;
const uint8_t tinykd_golden_inputs[1] = {{0}};
const uint8_t tinykd_golden_outputs[1] = {{0}};
#endif
"""
