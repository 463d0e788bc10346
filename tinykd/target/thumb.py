"""As much of the Thumb-2 instruction set as a call graph needs: branches, and what moves the stack pointer.

Source: Armv7-M Architecture Reference Manual (DDI 0403E), A5 and A7.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinykd.target.flow import Branch, Flow, signed


def instructions(code: bytes, address: int) -> Iterator[tuple[int, int, int | None]]:
    """Each instruction as (address, first half-word, second half-word or None)."""
    at = 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        second = None
        if first >> 11 in (0b11101, 0b11110, 0b11111) and at + 4 <= len(code):
            second = int.from_bytes(code[at + 2 : at + 4], "little")
        yield address + at, first, second
        at += 2 if second is None else 4


def branches(code: bytes, address: int) -> Iterator[Branch]:
    """The branches in a stretch of code that holds no data. Returns are none: `bx lr`, `pop {pc}`, and what Armv6-M needs where
    arguments lie above the return address, `pop {r3}; add sp, #16; bx r3`."""
    popped = 0  # registers that came off the stack just before, one bit each
    for at, first, second in instructions(code, address):
        found = _narrow_branch(at, first) if second is None else _wide_branch(at, first, second)
        returns = second is None and first & 0xFF87 == 0x4700 and popped >> (first >> 3 & 0xF) & 1
        if found is not None and not returns:
            yield found
        if second is not None or first & 0xFF80 != 0xB000:  # ADD SP, #imm7 * 4
            popped = first & 0xFF if second is None and first & 0xFE00 == 0xBC00 else 0


def _narrow_branch(at: int, half: int) -> Branch | None:
    if half & 0xF000 == 0xD000 and half >> 8 & 0xF < 0xE:  # B<cond>, T1
        return Branch(Flow.JUMP, at, at + 4 + signed((half & 0xFF) << 1, 9))
    if half & 0xF800 == 0xE000:  # B, T2
        return Branch(Flow.JUMP, at, at + 4 + signed((half & 0x7FF) << 1, 12))
    if half & 0xF500 == 0xB100:  # CBZ, CBNZ
        return Branch(Flow.JUMP, at, at + 4 + ((half >> 9 & 1) << 6 | (half >> 3 & 0x1F) << 1))
    if half & 0xFF87 == 0x4780:  # BLX register
        return Branch(Flow.INDIRECT_CALL, at, None)
    if half & 0xFF87 == 0x4700 and half >> 3 & 0xF != 14:  # BX register, other than LR
        return Branch(Flow.INDIRECT_JUMP, at, None)
    return None


def _wide_branch(at: int, first: int, second: int) -> Branch | None:
    if first & 0xF800 != 0xF000 or second & 0x8000 == 0:
        return None
    sign, low = first >> 10 & 1, (second & 0x7FF) << 1
    j1, j2 = second >> 13 & 1, second >> 11 & 1
    if second & 0x5000 in (0x5000, 0x1000):  # BL; B, T4
        i1, i2 = 1 - (j1 ^ sign), 1 - (j2 ^ sign)
        offset = signed(sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | low, 25)
        return Branch(Flow.CALL if second & 0x4000 else Flow.JUMP, at, at + 4 + offset)
    if second & 0x5000 == 0 and first >> 6 & 0xF < 0xE:  # B<cond>, T3
        offset = signed(sign << 20 | j2 << 19 | j1 << 18 | (first & 0x3F) << 12 | low, 21)
        return Branch(Flow.JUMP, at, at + 4 + offset)
    return None


def stack_pushed(code: bytes) -> int | None:
    """Bytes by which a stretch of code lowers the stack pointer, all instructions that do so added up: an upper bound of
    a function's frame if none of them is in a loop, which compilers and their helper functions never do.

    Returns:
        None if a register decides how far.
    """
    total = 0
    for _, first, second in instructions(code, 0):
        moved = _narrow_push(first) if second is None else _wide_push(first, second)
        if moved is None:
            return None
        total += moved
    return total


def _narrow_push(half: int) -> int | None:
    if half & 0xFE00 == 0xB400:  # PUSH
        return 4 * bin(half & 0x1FF).count("1")
    if half & 0xFF80 == 0xB080:  # SUB SP, #imm7 * 4
        return (half & 0x7F) * 4
    if half & 0xFF87 == 0x4485:  # ADD SP, register
        return None
    if half & 0xFF87 == 0x4685:  # MOV SP, register: undoes what came before, or lowers by an unknown amount
        return 0 if half >> 3 & 0xF == 7 else None
    return 0


def _wide_push(first: int, second: int) -> int | None:
    if first == 0xE92D:  # STMDB SP!, {...}
        return 4 * bin(second).count("1")
    if first == 0xF84D and second & 0x0F00 == 0x0D00:  # STR register, [SP, #-imm8]!
        return second & 0xFF
    if first == 0xE96D:  # STRD two registers, [SP, #-imm8 * 4]!
        return (second & 0xFF) * 4
    if first & 0xFFBF == 0xED2D and second & 0x0E00 == 0x0A00:  # VPUSH
        return (second & 0xFF) * 4
    if first & 0xFBFF == 0xF1AD and second & 0x8F00 == 0x0D00:  # SUB SP, SP, #constant
        return _expand(first, second)
    if first & 0xFBFF == 0xF2AD and second & 0x8F00 == 0x0D00:  # SUBW SP, SP, #imm12
        return _immediate(first, second)
    if first & 0xFFEF == 0xEBAD and second & 0x0F00 == 0x0D00:  # SUB SP, SP, register
        return None
    return 0


def _immediate(first: int, second: int) -> int:
    return (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF


def _expand(first: int, second: int) -> int:
    """ThumbExpandImm, A5.3.2."""
    value = _immediate(first, second)
    byte = value & 0xFF
    if value >> 10 == 0:
        return (byte, byte << 16 | byte, byte << 24 | byte << 8, byte * 0x01010101)[value >> 8]
    rotation, number = value >> 7, 0x80 | value & 0x7F
    return (number >> rotation | number << (32 - rotation)) & 0xFFFFFFFF
