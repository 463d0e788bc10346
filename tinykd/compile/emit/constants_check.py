"""`src/tinykd_NAME_constants.c`: where the model's constants lie and their checksum, for a program that checks its flash when it starts."""

from __future__ import annotations

import zlib

from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import Constants


def constants_crc32(constants: Constants) -> int:
    """CRC-32 (IEEE 802.3, as `zlib.crc32`) of all tables in order, end to end, as a little-endian target's memory holds them."""
    crc = 0
    for constant in constants.listed:
        crc = zlib.crc32(constant.table.little_endian, crc)
    return crc


def source(constants: Constants, names: Names, banner: str) -> str:
    """The C file. A model without constants gets a row of no bytes, for C has no empty arrays."""
    rows = [f"    {{{constant.symbol}, {constant.bytes}u}}," for constant in constants.listed] or ["    {0, 0u},"]
    listed = "\n".join(rows)
    return f"""{banner}#include "tinykd_model.h"
#include "{names.prefix}_weights.h"

const struct tinykd_constant tinykd_constants[] = {{
{listed}
}};
const uint32_t tinykd_constant_count = {len(rows)}u;
const uint32_t tinykd_constants_crc = {constants_crc32(constants):#010x}u;
"""
