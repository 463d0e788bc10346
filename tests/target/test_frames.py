from __future__ import annotations

import random

import pytest

from tinykd.target.frames import Decoder, Frame, decode, encode


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


@pytest.mark.parametrize("seed", range(20))
def test_pieces_make_no_difference(seed: int) -> None:
    """Noise with start bytes in it, frames, and a cut: a stream fed byte by byte or in pieces holds the frames that the whole one does."""
    rng = random.Random(seed)
    noise = [bytes(rng.choice(b"\xa5\x00\x01R") for _ in range(rng.randrange(12))) for _ in range(7)]
    frames = [Frame(rng.choice("RSZ"), rng.randbytes(rng.randrange(9)), rng.randrange(256)) for _ in range(6)]
    stream = b"".join(n + encode(f) for n, f in zip(noise, frames)) + noise[-1]
    decoder, found, at = Decoder(), list[Frame](), 0
    while at < len(stream):
        step = rng.randrange(1, 9)
        found += decoder.feed(stream[at : at + step])
        at += step
    found += decoder.give_up()
    assert found == list(decode(stream)) == frames
    assert decoder.skipped == sum(map(len, noise))


def test_a_frame_that_never_ends_holds_back_the_next_until_it_is_given_up() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"\xa5R\x00\x40\x00\x00\x00" + encode(Frame("S")))) == []
    assert list(decoder.give_up()) == [Frame("S")]
    assert decoder.skipped == 7


def test_a_length_beyond_all_measure_is_not_waited_for() -> None:
    assert list(Decoder(longest=100).feed(b"\xa5R\x00\x65\x00\x00\x00" + encode(Frame("S")))) == [Frame("S")]
