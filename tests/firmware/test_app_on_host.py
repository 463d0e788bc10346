"""The main program on this machine under sanitizers: whatever comes down the stream, it neither breaks nor falls silent."""

from __future__ import annotations

import random

import pytest

from tests.target.fake_model import BANNER, BYTES, expected, write_fake_model
from tests.target.machines import STRICT
from tinykd.target.build import Image, build
from tinykd.target.emulator.host import Host
from tinykd.target.frames import Frame, decode, encode
from tinykd.target.targets import find_target
from tinykd.target.toolchain import HostCc, find_host_cc

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    host, found = find_target("host"), find_host_cc()
    assert found is not None
    tree = write_fake_model(tmp_path_factory.mktemp("tree"), host)
    return build(tree, host, HostCc((*found.command, *SANITIZERS), found.version), flags=STRICT)


@pytest.mark.parametrize("seed", range(40))
def test_noise_is_survived_and_the_last_frame_answered(seed: int, image: Image) -> None:
    rng = random.Random(seed)
    fed = rng.randbytes(BYTES)
    pieces = [_noise(rng) for _ in range(rng.randrange(1, 12))]
    asked = b"".join(pieces) + encode(Frame("R", fed)) + encode(Frame("Q"))
    result = Host().run(image, asked, stall_s=20)
    frames = list(decode(result.replies))
    assert (result.exit_code, frames[0].kind) == (0, "B"), result.text
    assert frames[-1] == Frame("R", frames[-1].payload[:8] + expected(fed))
    assert result.text == BANNER + "golden vectors agree\n"


@pytest.mark.parametrize("cut", range(1, len(encode(Frame("R", bytes(BYTES))))))
def test_a_stream_may_end_anywhere(cut: int, image: Image) -> None:
    stream = encode(Frame("R", bytes(range(BYTES))))
    result = Host().run(image, stream + stream[:cut], stall_s=20)
    replies = [f for f in decode(result.replies) if f.kind == "R"]
    assert [f.payload[8:] for f in replies] == [expected(bytes(range(BYTES)))]
    assert result.text == BANNER + "golden vectors agree\n"


def _noise(rng: random.Random) -> bytes:
    """Bytes without meaning, a frame of an unknown kind, one of the wrong length, or one with a wrong checksum."""
    kind = rng.randrange(4)
    if kind == 0:
        return bytes(b for b in rng.randbytes(50) if b != 0xA5)
    if kind == 1:
        return encode(Frame(rng.choice("XYZ\x00\xa5"), rng.randbytes(rng.randrange(100))))
    if kind == 2:
        return encode(Frame("R", rng.randbytes(rng.randrange(BYTES))))
    damaged = bytearray(encode(Frame("R", rng.randbytes(BYTES))))
    damaged[rng.randrange(7, len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)
