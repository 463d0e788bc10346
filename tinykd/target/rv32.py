"""As much of the instruction sets RV32I and C as a call graph needs: branches, and what moves the stack pointer.

Source: The RISC-V Instruction Set Manual, Volume I (20191213), chapters 2, 16 and 24.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinykd.target.flow import Branch, Flow, signed

_RA, _SP = 1, 2


def instructions(code: bytes, address: int) -> Iterator[tuple[int, int, int]]:
    """Each instruction as (address, its bits, its length in bytes: 2 or 4)."""
    at = 0
    while at + 2 <= len(code):
        length = 4 if code[at] & 3 == 3 and at + 4 <= len(code) else 2
        yield address + at, int.from_bytes(code[at : at + length], "little"), length
        at += length


def branches(code: bytes, address: int) -> Iterator[Branch]:
    """The branches in a stretch of code that holds no data. Returns (`jalr zero, 0(ra)`) are none."""
    upper: dict[int, int] = {}  # what `auipc` has just put into a register
    for at, word, length in instructions(code, address):
        found = _narrow_branch(at, word) if length == 2 else _wide_branch(at, word, upper)
        upper = {word >> 7 & 31: (at + (word & 0xFFFFF000)) & 0xFFFFFFFF} if length == 4 and word & 0x7F == 0x17 else {}
        if found is not None:
            yield found


def _wide_branch(at: int, word: int, upper: dict[int, int]) -> Branch | None:
    opcode, to = word & 0x7F, word >> 7 & 31
    if opcode == 0x6F:  # JAL
        offset = (word >> 31) << 20 | (word >> 12 & 0xFF) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3FF) << 1
        return Branch(Flow.CALL if to else Flow.JUMP, at, at + signed(offset, 21))
    if opcode == 0x63:  # BEQ, BNE, BLT, BGE, BLTU, BGEU
        offset = (word >> 31) << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 0x3F) << 5 | (word >> 8 & 0xF) << 1
        return Branch(Flow.JUMP, at, at + signed(offset, 13))
    if opcode == 0x67:  # JALR
        by, offset = word >> 15 & 31, signed(word >> 20, 12)
        if by in upper:
            return Branch(Flow.CALL if to else Flow.JUMP, at, (upper[by] + offset) & 0xFFFFFFFE)
        if to == 0 and by == _RA:
            return None
        return Branch(Flow.INDIRECT_CALL if to else Flow.INDIRECT_JUMP, at, None)
    return None


def _narrow_branch(at: int, half: int) -> Branch | None:
    kind, group = half & 3, half >> 13
    if kind == 1 and group in (1, 5):  # C.JAL, C.J
        return Branch(Flow.CALL if group == 1 else Flow.JUMP, at, at + _jump_offset(half))
    if kind == 1 and group in (6, 7):  # C.BEQZ, C.BNEZ
        offset = (half >> 12 & 1) << 8 | (half >> 5 & 3) << 6 | (half >> 2 & 1) << 5 | (half >> 10 & 3) << 3 | (half >> 3 & 3) << 1
        return Branch(Flow.JUMP, at, at + signed(offset, 9))
    by = half >> 7 & 31
    if kind == 2 and group == 4 and half >> 2 & 31 == 0 and by:  # C.JR, C.JALR
        if half >> 12 & 1:
            return Branch(Flow.INDIRECT_CALL, at, None)
        return None if by == _RA else Branch(Flow.INDIRECT_JUMP, at, None)
    return None


def _jump_offset(half: int) -> int:
    """CJ format: offset[11|4|9:8|10|6|7|3:1|5] from bit 12 down to bit 2."""
    places = (11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5)
    return signed(sum((half >> (12 - n) & 1) << place for n, place in enumerate(places)), 12)


def stack_pushed(code: bytes) -> int | None:
    """Bytes by which a stretch of code lowers the stack pointer, all instructions that do so added up: an upper bound of
    a function's frame if none of them is in a loop, which compilers and their helper functions never do.

    Returns:
        None if a register decides how far.
    """
    total = 0
    for _, word, length in instructions(code, 0):
        moved = _narrow_push(word) if length == 2 else _wide_push(word)
        if moved is None:
            return None
        total += moved
    return total


def _wide_push(word: int) -> int | None:
    if word >> 7 & 31 != _SP or word & 0x7F not in (0x13, 0x17, 0x33, 0x37):
        return 0
    if word & 0xFF07F == 0x10013:  # ADDI SP, SP, imm
        return max(0, -signed(word >> 20, 12))
    if word & 0x7F == 0x13 and word >> 15 & 31 == 8 and word >> 12 & 7 == 0:  # ADDI SP, S0, imm: undoes what came before
        return 0
    return None


def _narrow_push(half: int) -> int | None:
    kind, group, to = half & 3, half >> 13, half >> 7 & 31
    if to != _SP:
        return 0
    if kind == 1 and group == 3:  # C.ADDI16SP
        offset = (half >> 12 & 1) << 9 | (half >> 3 & 3) << 7 | (half >> 5 & 1) << 6 | (half >> 2 & 1) << 5 | (half >> 6 & 1) << 4
        return max(0, -signed(offset, 10))
    if kind == 1 and group == 0:  # C.ADDI
        return max(0, -signed((half >> 12 & 1) << 5 | half >> 2 & 31, 6))
    if (kind == 1 and group == 2) or (kind == 2 and group in (0, 2)):  # C.LI, C.SLLI, C.LWSP
        return None
    if kind == 2 and group == 4 and half >> 2 & 31:  # C.MV, C.ADD
        return None
    return 0
