"""The checksum of a model's constants: what Python computes at export is what C finds in memory."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import numpy as np

from tests.kernels import host_compiler
from tinykd.compile.emit import constants_check, tables
from tinykd.compile.emit.names import CTYPES, Names
from tinykd.compile.emit.tables import Constant, Constants
from tinykd.compile.ops.operator import Table
from tinykd.resources import firmware_folder

HEADER = """
#include <stdint.h>
struct tinykd_constant {
    const void *at;
    uint32_t bytes;
};
extern const struct tinykd_constant tinykd_constants[];
extern const uint32_t tinykd_constant_count;
extern const uint32_t tinykd_constants_crc;
"""
MAIN = r"""
#include <stdio.h>
#include "crc32.h"
#include "tinykd_model.h"
int main(void)
{
    uint32_t crc = TINYKD_CRC32_START;
    for (uint32_t k = 0; k < tinykd_constant_count; ++k) {
        crc = tinykd_crc32(crc, (const uint8_t *)tinykd_constants[k].at, tinykd_constants[k].bytes);
    }
    (void)printf("%u %u\n", (unsigned)tinykd_constants_crc, (unsigned)~crc);
    return 0;
}
"""


def of_all_types() -> Constants:
    """A table of each C type, with odd lengths, negative numbers and the ends of each range."""
    listed = []
    for dtype, ctype in CTYPES.items():
        kind = np.dtype(dtype)
        if kind.kind == "f":
            values = np.array([0.0, -0.0, 1e-30, -3.25, 3.4e38], kind)
        elif kind.kind == "b":
            values = np.array([True, False, True])
        else:
            ends = np.iinfo(kind)
            values = np.array([[ends.min + (ctype == "int64_t"), ends.max, 0, 1, 7]], kind)
        listed.append(Constant(f"tinykd_all_weights_{dtype}", Table(ctype, values), dtype))
    return Constants(tuple(listed), {}, {}, {}, {})


def found_in_c(constants: Constants, folder: Path) -> tuple[int, int]:
    names = Names("all")
    written = {
        "tinykd_model.h": HEADER,
        "main.c": MAIN,
        "tinykd_all_weights.h": tables.weights_header(constants, names, ""),
        "tinykd_all_weights.c": tables.weights_source(constants, names, ""),
        "tinykd_all_constants.c": constants_check.source(constants, names, ""),
    }
    for name, text in written.items():
        (folder / name).write_text(text)
    root = firmware_folder()
    sources = [folder / name for name in written if name.endswith(".c")] + [root / "app" / "crc32.c"]
    command = [*host_compiler(), "-std=c99", f"-I{folder}", f"-I{root / 'app'}", f"-I{root / 'include'}", *map(str, sources)]
    subprocess.run([*command, "-o", str(folder / "found")], check=True)
    exported, found = subprocess.run([str(folder / "found")], capture_output=True, text=True, check=True).stdout.split()
    return int(exported), int(found)


def test_every_type_of_table(tmp_path: Path) -> None:
    constants = of_all_types()
    assert {one.table.ctype for one in constants.listed} == set(CTYPES.values())
    exported, found = found_in_c(constants, tmp_path)
    assert exported == found == constants_check.constants_crc32(constants)


def test_no_tables_at_all(tmp_path: Path) -> None:
    assert found_in_c(Constants((), {}, {}, {}, {}), tmp_path) == (0, 0)


def test_bytes_by_hand() -> None:
    one = Constants((Constant("a", Table("int16_t", np.array([1, -2], np.int16)), ""),), {}, {}, {}, {})
    assert constants_check.constants_crc32(one) == zlib.crc32(b"\x01\x00\xfe\xff")
