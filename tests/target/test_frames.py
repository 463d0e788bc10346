from __future__ import annotations

import pytest

from tinykd.target.frames import Frame, decode, encode


def test_layout_is_the_documented_one() -> None:
    # CRC-32 of "123456789" is the well-known check value 0xCBF43926, so a frame whose kind, length and payload are those
    # nine bytes has it as its checksum: kind '1', length 0x35343332 would be too long, hence a small frame worked by hand.
    assert encode(Frame("Q")) == bytes.fromhex("a5 51 00 00000000") + _crc(b"Q\0\0\0\0\0")
    assert encode(Frame("R", b"\x01\xff", tag=7)) == bytes.fromhex("a5 52 07 02000000 01ff") + _crc(b"R\x07\x02\0\0\0\x01\xff")


def _crc(data: bytes) -> bytes:
    """CRC-32 bit by bit, from its definition (reflected polynomial 0xEDB88320)."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return (value ^ 0xFFFFFFFF).to_bytes(4, "little")


def test_bitwise_crc_is_the_standard_one() -> None:
    assert _crc(b"123456789") == (0xCBF43926).to_bytes(4, "little")


def test_frames_survive_noise_between_them() -> None:
    frames = [Frame("R", bytes(range(256))), Frame("S", b"\xa5" * 9), Frame("Q")]
    noise = b"\xa5\x00\xa5"
    assert list(decode(noise + noise.join(map(encode, frames)) + noise)) == frames


@pytest.mark.parametrize("position", range(len(encode(Frame("R", b"abc")))))
def test_a_damaged_frame_is_skipped_and_the_next_one_found(position: int) -> None:
    damaged = bytearray(encode(Frame("R", b"abc")))
    damaged[position] ^= 0x10
    assert list(decode(bytes(damaged) + encode(Frame("S")))) == [Frame("S")]


def test_words() -> None:
    assert Frame("B", bytes.fromhex("01000000 ffffffff 07")).words() == (1, 0xFFFFFFFF)
