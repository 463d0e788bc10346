"""Which regions the fence of Armv7-M chooses: all of a span is open, and nothing else where regions suffice."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.kernels import SANITIZERS, host_compiler
from tinykd.resources import firmware_folder

DRIVER = r"""
#include <stdint.h>
#include <stdio.h>

#define __asm__ /* its barriers are another machine's */
#define volatile(...)
#include "fence.c"

static uint32_t state = 1u;

static uint32_t below(uint32_t limit)
{
    state = state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)state * limit >> 32);
}

/* Opens [start, end) with `most` regions; returns 0 if what they open is not what it should be. */
static int sound(uint32_t start, uint32_t end, uint32_t most)
{
    uint32_t next = start, used = 0u, lowest = start;

    for (; next < end && used < most; ++used) {
        const struct eighths e = choose(next, end, used + 1u == most);

        if (e.log2 < 5u || e.count > 8u || e.first >= e.count || e.base % (8u << e.log2) != 0u) {
            return 0;
        }
        if (e.base + (e.first << e.log2) > next) {
            return 0; /* a gap */
        }
        if (e.base + (e.first << e.log2) < lowest) {
            lowest = e.base + (e.first << e.log2);
        }
        next = e.base + (e.count << e.log2);
        if (used + 1u < most && (next > end || lowest < start)) {
            return 0; /* only the last one may be rough */
        }
    }
    if (next < end) {
        return 0;
    }
    return most < 7u || start % (1u << 20) != 0u || (next == end && lowest == start);
}

int main(void)
{
    static const uint32_t origins[] = {0x0u, 0x10000000u, 0x20000000u, 0x20020000u, 0x24000000u, 0x20001000u, 0x30040020u};

    for (int round = 0; round < 200000; ++round) {
        const uint32_t start = origins[below(7u)], bytes = (1u + below(1u << (5u + below(17u)))) * 32u % (8u << 20), most = 1u + below(8u);

        if (bytes != 0u && !sound(start, start + bytes, most)) {
            (void)printf("%#x + %#x with %u regions\n", (unsigned)start, (unsigned)bytes, (unsigned)most);
            return 1;
        }
    }
    return 0;
}
"""


def test_regions_cover_spans(tmp_path: Path) -> None:
    ports = firmware_folder() / "ports"
    source, program = tmp_path / "driver.c", tmp_path / "driver"
    source.write_text(DRIVER)
    headers = [f"-I{ports / 'cortex-m'}", f"-I{ports / 'bare'}", f"-I{firmware_folder() / 'include'}"]
    declared = tmp_path / "symbols.c"  # what the linker script defines
    declared.write_text("const void *tinykd_ram_spans[2], *tinykd_ram_spans_end[1], *flash_origin[1], *flash_limit[1];\n")
    command = [*host_compiler(), "-std=c99", *SANITIZERS, *headers, str(source), str(declared), "-o", str(program)]
    subprocess.run(command, check=True)
    outcome = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout) == (0, "")
