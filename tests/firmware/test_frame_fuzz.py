"""The firmware's frame reader and its checksum on this machine, under sanitizers."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.kernels import SANITIZERS, host_compiler
from tests.target.machines import STRICT
from tinykd.resources import firmware_folder

ROUNDS = int(os.environ.get("TINYKD_FUZZ_FRAMES", "50000"))
CHECKSUM = r"""
#include <stdio.h>
#include "crc32.h"
int main(void)
{
    static uint8_t bytes[100000];
    const uint32_t count = (uint32_t)fread(bytes, 1u, sizeof bytes, stdin), half = count / 2u;
    const uint32_t crc = tinykd_crc32(TINYKD_CRC32_START, bytes, half);
    (void)printf("%u\n", (unsigned)~tinykd_crc32(crc, bytes + half, count - half));
    return 0;
}
"""


def compiled(program: Path, *sources: Path) -> Path:
    folders = [f"-I{firmware_folder() / name}" for name in ("app", "include")]
    address = ["-fsanitize=address"] if shutil.which("cc") else []  # zig from PyPI has no runtime for it
    command = [*host_compiler(), "-std=c99", "-O1", "-g", *SANITIZERS, *address, *STRICT, *folders, *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = firmware_folder() / "app"
    here = Path(__file__).parent
    return compiled(tmp_path_factory.mktemp("fuzz") / "fuzz", here / "frame_fuzz.c", app / "frame.c", app / "crc32.c")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_pause_a_frame_is_heard_whatever_came_before(seed: int, fuzzer: Path) -> None:
    outcome = subprocess.run([str(fuzzer), str(ROUNDS), str(seed)], capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


def test_the_checksum_is_that_of_zlib(tmp_path: Path) -> None:
    source = tmp_path / "checksum.c"
    source.write_text(CHECKSUM)
    program = compiled(tmp_path / "checksum", source, firmware_folder() / "app" / "crc32.c")
    for data in (b"", b"123456789", bytes(range(256)), random.Random(0).randbytes(99_999)):
        outcome = subprocess.run([str(program)], input=data, capture_output=True, check=True)
        assert int(outcome.stdout) == zlib.crc32(data)
    assert zlib.crc32(b"123456789") == 0xCBF43926
