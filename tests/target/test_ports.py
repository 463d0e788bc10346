"""What runs on boards themselves: images laid out as the chips want them, clocks as the board says, and firmware that starts."""

from __future__ import annotations

import binascii
import functools
from pathlib import Path

import pytest

from tests.target import chip
from tests.target.fake_model import BYTES, CONSTANTS_CRC, MODEL, SHA256, expected, write_fake_model
from tests.target.machines import STRICT, TOOLCHAINS, needs_qemu
from tests.target.wire import plugged_in
from tinykd.errors import ToolError
from tinykd.target.board_files import board_names, load_board
from tinykd.target.board_session import BoardSession, Patience
from tinykd.target.boards import Board, Region
from tinykd.target.build import Image, build
from tinykd.target.elf import read_elf, stored_segments
from tinykd.target.emulator.unicorn import find_unicorn
from tinykd.target.frames import Frame, decode, encode
from tinykd.target.serial_line import SerialLine
from tinykd.target.targets import find_target, on_device
from tinykd.target.toolchain import find_toolchain

PORTED = [name for name in board_names() if load_board(name).ports]
ON_QEMU = ("netduino-plus-2", "nucleo-f446re", "microbit", "mps2-an386")
"""One of each port that QEMU has a UART for; the nucleo's USART is another one than the netduino's."""
F4 = [name for name in PORTED if "stm32f4" in load_board(name).ports]
NRF52 = [name for name in PORTED if "nrf52" in load_board(name).ports]
INPUTS = [bytes((7 * k + i) & 0xFF for i in range(BYTES)) for k in range(5)]
BOOT2_BYTES = 256

needs_unicorn = pytest.mark.skipif(find_unicorn() is None, reason="unicorn is not installed")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@functools.cache
def device_image(folder: Path, name: str, toolchain: str, model: str = MODEL) -> Image:
    target = on_device(find_target(name))
    tree = folder / f"device-{name}-{toolchain}-{abs(hash(model))}"
    write_fake_model(tree, target, model)
    return build(tree, target, find_toolchain(target, toolchain), flags=STRICT)


def device(name: str) -> Board:
    found = find_target(name).device
    assert found is not None
    return found


def first_vector(name: str) -> int:
    """Where the vector table has to be: at the start of flash, on an RP2040 behind the second-stage boot."""
    return device(name).flash.origin + (BOOT2_BYTES if "rp2040" in device(name).ports else 0)


def stack_top(image: Image) -> int:
    stack = read_elf(image.elf).section(".stack")
    assert stack is not None
    return stack.address + stack.bytes


def inside(address: int, count: int, region: Region) -> bool:
    return region.origin <= address and address + count <= region.origin + region.bytes


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", PORTED)
def test_an_image_lies_where_the_chip_looks(name: str, toolchain: str, folder: Path) -> None:
    board, image = device(name), device_image(folder, name, toolchain)
    elf = read_elf(image.elf)
    stored = {s.load + k: byte for s in stored_segments(image.elf) for k, byte in enumerate(s.contents)}
    assert all(inside(s.load, len(s.contents), board.flash) for s in stored_segments(image.elf))
    assert min(stored) == board.flash.origin
    stack, reset, nmi, fault = (int.from_bytes(bytes(stored[first_vector(name) + 4 * k + b] for b in range(4)), "little") for k in range(4))
    handler, hard_fault = elf.symbol("Reset_Handler"), elf.symbol("HardFault_Handler")
    assert handler is not None
    assert hard_fault is not None
    assert stack == stack_top(image)
    assert stack % 8 == 0
    assert inside(stack - 8, 8, board.ram)
    assert reset == handler.address | 1
    assert nmi == fault == hard_fault.address | 1
    for section in elf.sections:
        if section.bytes and (section.writable or not section.stored):
            assert inside(section.address, section.bytes, board.ram), section
    vectors = elf.section(".vectors")
    assert vectors is not None
    assert vectors.address % 256 == 0, "VTOR takes no other address"
    assert image.stack.bytes is not None, "a stack without a bound"


def bits_reversed(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_rom_of_an_rp2040_accepts_its_boot2(toolchain: str, folder: Path) -> None:
    """CRC-32 of 252 bytes, most significant bit first, not inverted: zlib's with every byte and the result turned round."""
    first = stored_segments(device_image(folder, "pico", toolchain).elf)[0]
    assert first.load == 0x10000000
    code, checksum = first.contents[:252], int.from_bytes(first.contents[252:256], "little")
    turned = binascii.crc32(bytes(bits_reversed(byte, 8) for byte in code)) ^ 0xFFFFFFFF
    assert checksum == bits_reversed(turned, 32)


@needs_unicorn
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_boot2_sets_the_flash_interface_and_starts_the_program(toolchain: str, folder: Path) -> None:
    """Run where the ROM copies it, at the end of SRAM."""
    from unicorn import arm_const

    board, image = device("pico"), device_image(folder, "pico", toolchain)
    core = chip.Core(board, image, chip.Peripherals())
    written: list[tuple[int, int]] = []
    core.uc.mmio_map(0x18000000, 0x1000, lambda *_: 0, None, lambda _uc, offset, _size, value, _data: written.append((offset, value)), None)
    copy = 0x20042000 - BOOT2_BYTES
    core.uc.mem_write(copy, bytes(core.uc.mem_read(0x10000000, BOOT2_BYTES)))
    handler = core.elf.symbol("Reset_Handler")
    assert handler is not None
    core.uc.emu_start(copy | 1, handler.address, count=100)
    assert core.uc.reg_read(arm_const.UC_ARM_REG_PC) == handler.address
    assert core.uc.reg_read(arm_const.UC_ARM_REG_SP) == stack_top(image)
    assert core.system[0xE000ED08] == 0x10000100
    ssienr, ctrlr0, baudr, spi_ctrlr0 = 0x08, 0x00, 0x14, 0xF4
    assert written[0] == (ssienr, 0)
    assert written[-1] == (ssienr, 1)
    registers = dict(written)
    assert (registers[ctrlr0] >> 16 & 31, registers[ctrlr0] >> 8 & 3, registers[ctrlr0] >> 21 & 3) == (31, 3, 0)
    assert (registers[spi_ctrlr0] >> 24, registers[spi_ctrlr0] >> 8 & 3, registers[spi_ctrlr0] >> 2 & 15) == (0x03, 2, 6)
    assert board.clock_hz / registers[baudr] <= 50e6, "W25Q16JV: 03h at 50 MHz at most"


def answered(name: str, chip_of: chip.Peripherals, folder: Path) -> list[Frame]:
    """Boot the board's image on a chip, feed it every input, and hear its frames."""
    image = device_image(folder, name, "auto")
    requests = [Frame("R", fed, tag) for tag, fed in enumerate(INPUTS, 1)]
    chip_of.incoming += b"".join(map(encode, requests))
    chip.Core(device(name), image, chip_of).boot(first_vector(name))
    return list(decode(bytes(chip_of.outgoing)))


def check_answers(frames: list[Frame]) -> None:
    texts = "".join(frame.payload.decode() for frame in frames if frame.kind == "M")
    assert "golden vectors agree" in texts
    assert [frame.payload[8:] for frame in frames if frame.kind == "R"] == [expected(fed) for fed in INPUTS]


@needs_unicorn
@pytest.mark.parametrize("name", F4)
def test_stm32f4_runs_at_its_clock(name: str, folder: Path) -> None:
    """The registers, read as the reference manuals say, give the clock of the profile and its baud rate to 1 %."""
    board = device(name)
    assert board.console is not None
    uart = board.define["UART_BASE"]
    found = chip.stm32f4(uart, clocks_start=True)
    check_answers(answered(name, found, folder))
    pll, cfgr = found.last(0x40023804), found.last(0x40023808)
    m, n, p = pll & 0x3F, pll >> 6 & 0x1FF, 2 * ((pll >> 16 & 3) + 1)
    assert pll >> 22 & 1 == 0, "the internal oscillator"
    assert 1_000_000 <= 16_000_000 / m <= 2_000_000
    assert 192_000_000 <= 16_000_000 / m * n <= 432_000_000
    assert 16_000_000 / m * n / p == board.clock_hz
    dividers = {0: 1, 4: 2, 5: 4, 6: 8, 7: 16}
    apb1, apb2 = (board.clock_hz / dividers[cfgr >> shift & 7] for shift in (10, 13))
    most = {84e6: (42e6, 84e6), 100e6: (50e6, 100e6), 168e6: (42e6, 84e6), 180e6: (45e6, 90e6)}[board.clock_hz]
    assert apb1 <= most[0]
    assert apb2 <= most[1]
    baud = (apb1 if board.define["UART_APB"] == 1 else apb2) / found.last(uart + 8)
    assert abs(baud / board.console.baud - 1) < 0.01
    assert found.last(0x40023C00) & 0xF == {84e6: 2, 100e6: 3, 168e6: 5, 180e6: 5}[board.clock_hz], "wait states at 3.3 V"
    order = [address for address, _ in found.written]
    assert order.index(0x40023C00) < order.index(0x40023808), "flash slows down before the core speeds up"
    assert found.bit(0x40007000, 1 << 17) == (board.clock_hz > 168e6), "over-drive"


@needs_unicorn
@pytest.mark.parametrize("name", F4)
def test_stm32f4_gives_up_a_clock_that_never_starts(name: str, folder: Path) -> None:
    board = device(name)
    assert board.console is not None
    uart = board.define["UART_BASE"]
    found = chip.stm32f4(uart, clocks_start=False)
    check_answers(answered(name, found, folder))
    assert 0x40023808 not in found.values, "still the internal oscillator"
    assert abs(16e6 / found.last(uart + 8) / board.console.baud - 1) < 0.01


@needs_unicorn
@pytest.mark.parametrize("clocks_start", [True, False])
@pytest.mark.parametrize("name", [name for name in NRF52 if name != "microbit"])
def test_nrf52_answers(name: str, clocks_start: bool, folder: Path) -> None:
    board, found = device(name), chip.nrf52(clocks_start)
    check_answers(answered(name, found, folder))
    assert found.last(0x40002524) == 0x01D7E000, "115200 baud in the product specification's table"
    assert (found.last(0x4000250C), found.last(0x40002514)) == (board.define["TX_PIN"], board.define["RX_PIN"])
    configured = {0x50000700 + 0x300 * (pin // 32) + 4 * (pin % 32) for pin in (board.define["TX_PIN"], board.define["RX_PIN"])}
    pins = {0x50000700 + 0x300 * port + 4 * pin for port in range(2) for pin in range(32)}
    assert configured == {address for address, _ in found.written} & pins


@needs_unicorn
def test_rp2040_runs_at_its_clock(folder: Path) -> None:
    board, found = device("pico"), chip.rp2040(clocks_start=True)
    assert board.console is not None
    check_answers(answered("pico", found, folder))
    feedback, prim = found.last(0x40028008), found.last(0x4002800C)
    assert 750e6 <= 12e6 * feedback <= 1600e6
    assert 12e6 * feedback / (prim >> 16 & 7) / (prim >> 12 & 7) == board.clock_hz
    assert found.last(0x4000803C) & 0xE1 == 1, "the system clock is the PLL"
    baud = board.clock_hz / (16 * (found.last(0x40034024) + found.last(0x40034028) / 64))
    assert abs(baud / board.console.baud - 1) < 0.01
    assert [found.last(0x40014004 + 8 * pin) for pin in (0, 1)] == [2, 2], "UART0 on GP0 and GP1"


@needs_unicorn
def test_rp2040_gives_up_a_crystal_that_never_starts(folder: Path) -> None:
    found = chip.rp2040(clocks_start=False)
    check_answers(answered("pico", found, folder))
    assert 0x4000803C not in found.values


def session(url: str) -> BoardSession:
    return BoardSession(SerialLine(url, 115_200), Patience(answer_s=10, hello_s=20))


@needs_qemu
@pytest.mark.parametrize("name", ON_QEMU)
def test_a_board_starts_and_answers(name: str, folder: Path) -> None:
    pytest.importorskip("serial", reason="pyserial is not installed")
    image = device_image(folder, name, "auto")
    with plugged_in(image.elf, name) as (wire, _):
        talk = session(wire.url)
        identity = talk.connect()
        served = talk.run_inputs(INPUTS)
    assert (identity.model_sha256, identity.constants_crc) == (SHA256, CONSTANTS_CRC)
    assert identity.golden.differing == 0
    assert [one.outputs for one in served.inferences] == [expected(fed) for fed in INPUTS]
    assert image.stack.bytes is not None
    assert served.stack_high_water is not None
    assert 0 < served.stack_high_water <= image.stack.bytes


FENCED = ("netduino-plus-2", "mps2-an500")
"""A chip whose flash is a ROM in QEMU, and a machine where it is RAM."""


@needs_qemu
@pytest.mark.parametrize(
    "access",
    [
        "volatile uintptr_t at = (uintptr_t)tinykd_stack_bottom - 1u; *(volatile uint8_t *)at = 1u;",
        "*(volatile uint8_t *)flash_origin = 1u;",
    ],
    ids=["below the stack", "into flash"],
)
@pytest.mark.parametrize("name", FENCED)
def test_the_protection_unit_guards_a_board(name: str, access: str, folder: Path) -> None:
    """An overflowing stack and a stray pointer fault, and the fault is told over the console."""
    pytest.importorskip("serial", reason="pyserial is not installed")
    model = MODEL.replace("    for (int i = 0;", f"    if (input[0] == 99) {{ {access} }}\n    for (int i = 0;", 1)
    image = device_image(folder, name, "auto", "#include <stdint.h>\nextern uint8_t tinykd_stack_bottom[], flash_origin[];\n" + model)
    with plugged_in(image.elf, name) as (wire, _):
        talk = session(wire.url)
        talk.connect()
        with pytest.raises(ToolError, match="faulted"):
            talk.run_inputs([bytes([99]) + bytes(BYTES - 1)])
