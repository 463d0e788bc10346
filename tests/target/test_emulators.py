"""The same images on every emulator: outputs, instruction counts, faults and stalls."""

from __future__ import annotations

import dataclasses
import zlib
from pathlib import Path

import pytest

from tests.target.fake_model import BANNER, BYTES, CONSTANTS_CRC, HEADER, MODEL, SHA256, TENSOR, expected
from tests.target.machines import EMULATORS, RISCV_TOOLCHAINS, TOOLCHAINS, emulator, fake_image, installed, needs_qemu, needs_riscv_qemu
from tinykd.errors import ToolError
from tinykd.target.emulator.find import find_emulator
from tinykd.target.emulator.unicorn import Unicorn, find_unicorn
from tinykd.target.fault_injection import flip_bit, weight_tables
from tinykd.target.frames import Frame, decode, encode
from tinykd.target.identity import GoldenCheck, Identity
from tinykd.target.serve import Session
from tinykd.target.targets import find_target

INPUTS = [bytes((7 * k + i) & 0xFF for i in range(BYTES)) for k in range(20)]


def looping(rounds: int, nops: int = 0) -> str:
    """A model whose body is a loop of exactly `rounds * (nops + 2)` instructions."""
    loop = f"""
    uint32_t rounds = {rounds}u;
    __asm__ volatile(".syntax unified\\n1:\\n\\t.rept {nops}\\n\\tnop\\n\\t.endr\\n\\tsubs %0, %0, #1\\n\\tbne 1b" : "+l"(rounds) : : "cc");
"""
    return MODEL.replace("    for (int i = 0;", loop + "    for (int i = 0;", 1)


def broken(statement: str) -> str:
    """The fake model with a statement that runs when the first input is 99, which no golden vector has."""
    return MODEL.replace("    for (int i = 0;", f"    if (input[0] == 99) {{\n        {statement}\n    }}\n    for (int i = 0;", 1)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", EMULATORS)
@pytest.mark.parametrize("target", ["m4", "m0plus", "microbit", "m3", "m7", "m33"])
def test_every_integer_on_every_core(target: str, name: str, toolchain: str, folder: Path) -> None:
    served = Session(emulator(target, name), fake_image(folder, target, toolchain)).run_inputs(INPUTS)
    assert served.identity == Identity(BYTES, BYTES, GoldenCheck(2, 32, 0), CONSTANTS_CRC, CONSTANTS_CRC, None, SHA256, "fake", "0.0.1")
    assert [i.outputs for i in served.inferences] == [expected(fed) for fed in INPUTS]
    assert served.arena_bytes == 64
    assert served.text == BANNER + "golden vectors agree\n"


@needs_qemu
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_every_integer_on_the_m55(toolchain: str, folder: Path) -> None:
    served = Session(emulator("m55", "qemu"), fake_image(folder, "m55", toolchain)).run_inputs(INPUTS)
    assert [i.outputs for i in served.inferences] == [expected(fed) for fed in INPUTS]


@needs_riscv_qemu
@pytest.mark.parametrize("toolchain", RISCV_TOOLCHAINS)
@pytest.mark.parametrize("target", ["riscv", "esp32-c3-devkitm-1"])
def test_every_integer_on_riscv(target: str, toolchain: str, folder: Path) -> None:
    """The core of the second has no atomic instructions, and QEMU's faults on them."""
    served = Session(emulator(target, "qemu"), fake_image(folder, target, toolchain)).run_inputs(INPUTS)
    assert served.golden == GoldenCheck(vectors=2, compared=32, differing=0)
    assert [i.outputs for i in served.inferences] == [expected(fed) for fed in INPUTS]
    assert served.text == BANNER + "golden vectors agree\n"


def test_every_integer_on_the_host(folder: Path) -> None:
    served = Session(find_emulator(find_target("host")), fake_image(folder, "host", "auto")).run_inputs(INPUTS)
    assert [i.outputs for i in served.inferences] == [expected(fed) for fed in INPUTS]
    assert {i.instructions for i in served.inferences} == {None}
    assert served.stack_high_water is None


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", EMULATORS)
def test_trace_has_each_layers_outputs(name: str, toolchain: str, folder: Path) -> None:
    image = fake_image(folder, "m4", toolchain, trace=True)
    served = Session(emulator("m4", name), image).run_inputs(INPUTS[:3])
    assert [i.trace for i in served.inferences] == [((TENSOR, expected(fed)),) for fed in INPUTS[:3]]


@needs_qemu
@pytest.mark.parametrize("target", ["m4", "m0plus", "m3", "m7", "m33", "m55"])
def test_qemu_counts_the_instructions_of_a_known_loop(target: str, folder: Path) -> None:
    counts = {}
    for rounds in (100_000, 300_000):
        image = fake_image(folder, target, "auto", looping(rounds))
        (inference,) = Session(emulator(target, "qemu"), image).run_inputs(INPUTS[:1]).inferences
        assert inference.instructions is not None
        counts[rounds] = inference.instructions
    assert counts[300_000] - counts[100_000] == pytest.approx(400_000, abs=130)  # two ticks of at most 62.5
    assert 200_000 < counts[100_000] < 200_600


def looping_riscv(rounds: int) -> str:
    """A model whose body is a loop of exactly `rounds * 100` instructions."""
    loop = f"""
    uint32_t rounds = {rounds}u;
    __asm__ volatile("1:\\n\\t.rept 98\\n\\tnop\\n\\t.endr\\n\\taddi %0, %0, -1\\n\\tbnez %0, 1b" : "+r"(rounds));
"""
    return MODEL.replace("    for (int i = 0;", loop + "    for (int i = 0;", 1)


@needs_riscv_qemu
def test_qemu_counts_every_instruction_of_riscv(folder: Path) -> None:
    counts = []
    for rounds in (10_001, 20_001, 50_010_001):  # each takes two instructions to load
        image = fake_image(folder, "riscv", "auto", looping_riscv(rounds))
        (inference,) = Session(emulator("riscv", "qemu"), image).run_inputs(INPUTS[:1]).inferences
        assert inference.instructions is not None
        counts.append(inference.instructions)
    assert counts[1] - counts[0] == 1_000_000
    assert counts[2] - counts[0] == 5_000_000_000  # beyond 32 bits


@needs_riscv_qemu
@pytest.mark.parametrize("statement", [
    "*(volatile uint32_t *)(uintptr_t)0x90000000u = 1u;",  # beyond everything
    "*(volatile uint32_t *)(uintptr_t)0x80840000u = 1u;",  # beyond the RAM of the budget
    "*(volatile uint32_t *)(uintptr_t)0x80000100u = 1u;",  # flash
    '__asm__ volatile("unimp");',
    '__asm__ volatile(".insn r 0x53, 0, 0, x0, x0, x0");',  # fadd.s, which the core does not have
])  # fmt: skip
def test_a_fault_on_riscv_names_the_function(statement: str, folder: Path) -> None:
    image = fake_image(folder, "riscv", "auto", broken(statement))
    with pytest.raises(ToolError, match=r"faulted in tinykd_fake_invoke in inference 1: .*mcause"):
        Session(emulator("riscv", "qemu"), image).run_inputs([INPUTS[0], bytes([99]) + bytes(15)], stall_s=20)


UNALIGNED = "volatile uintptr_t at = (uintptr_t)arena + 33u; (*(volatile uint32_t *)at)++;"


@needs_qemu
@pytest.mark.parametrize("target", ["m0plus", "microbit", "m3", "m4", "m7", "m33", "m55"])
def test_an_unaligned_word_access_faults(target: str, folder: Path) -> None:
    image = fake_image(folder, target, "auto", broken(UNALIGNED))
    with pytest.raises(ToolError, match="faulted in tinykd_fake_invoke in inference 1"):
        Session(emulator(target, "qemu"), image).run_inputs([INPUTS[0], bytes([99]) + bytes(15)], stall_s=20)


@needs_qemu
def test_qemu_counts_beyond_the_24_bits_of_systick(folder: Path) -> None:
    image = fake_image(folder, "m4", "auto", looping(10_000_000, nops=98))
    (inference,) = Session(emulator("m4", "qemu"), image).run_inputs(INPUTS[:1]).inferences
    assert inference.instructions == pytest.approx(1_000_000_000, abs=1000)


@pytest.mark.skipif(find_unicorn() is None, reason="unicorn is not installed")
@pytest.mark.parametrize(("rounds", "nops"), [(1000, 0), (20_000, 998)])
def test_unicorn_counts_exactly_and_beyond_24_bits(rounds: int, nops: int, folder: Path) -> None:
    counts = []
    for model in (looping(rounds, nops), looping(2 * rounds, nops)):
        served = Session(emulator("m4", "unicorn"), fake_image(folder, "m4", "auto", model)).run_inputs(INPUTS[:1])
        assert served.inferences[0].instructions is not None
        counts.append(served.inferences[0].instructions)
    assert counts[1] - counts[0] == rounds * (nops + 2)


@pytest.mark.skipif(find_unicorn() is None, reason="unicorn is not installed")
def test_unicorn_counts_the_first_inferences_only(folder: Path) -> None:
    light = Unicorn("", counted=2)
    served = Session(light, fake_image(folder, "m4", "auto")).run_inputs(INPUTS[:4])
    assert [i.instructions is None for i in served.inferences] == [False, False, True, True]
    assert [i.outputs for i in served.inferences] == [expected(fed) for fed in INPUTS[:4]]


@needs_qemu
@pytest.mark.skipif(find_unicorn() is None, reason="unicorn is not installed")
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_the_emulators_agree_on_the_count(toolchain: str, folder: Path) -> None:
    image = fake_image(folder, "m4", toolchain, looping(5000))
    counts = [Session(emulator("m4", name), image).run_inputs(INPUTS[:1]).inferences[0].instructions for name in ("qemu", "unicorn")]
    assert counts[0] == pytest.approx(counts[1], abs=80)


@pytest.mark.parametrize("name", EMULATORS)
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("*(volatile uint32_t *)(uintptr_t)0x90000000u = 1u;", "faulted in tinykd_fake_invoke in inference 1"),
        ('__asm__ volatile("udf #0");', "faulted in tinykd_fake_invoke in inference 1"),
    ],
)
def test_a_fault_is_an_error_that_names_the_function(name: str, statement: str, words: str, folder: Path) -> None:
    image = fake_image(folder, "m4", "auto", broken(statement))
    with pytest.raises(ToolError, match=words):
        Session(emulator("m4", name), image).run_inputs([INPUTS[0], bytes([99]) + bytes(15)], stall_s=20)


@pytest.mark.parametrize(("target", "name"), [("m4", "unicorn"), ("m4", "qemu"), ("m33", "qemu"), ("riscv", "qemu")])
def test_a_stack_that_overflows_leaves_ram_and_faults(target: str, name: str, folder: Path) -> None:
    if not installed(target, name):
        pytest.skip(f"{name} is not installed")
    # recursion without end: no bound is known, and the default reserve is soon used up
    endless = MODEL.replace(
        "int tinykd_fake_invoke(void *arena)\n{",
        "uint32_t down(volatile uint32_t *n);\n__attribute__((noinline)) uint32_t down(volatile uint32_t *n)\n{\n"
        "    volatile uint32_t here[16];\n    here[0] = *n;\n    return *n == 7u ? 0u : down(here) + here[0];\n}\n"
        "int tinykd_fake_invoke(void *arena)\n{",
    ).replace(
        "    for (int i = 0;",
        "    volatile uint32_t n = 1u;\n    if (input[0] == 99 && down(&n) == 0u) {\n        return 1;\n    }\n    for (int i = 0;",
        1,
    )
    image = fake_image(folder, target, "auto", endless)
    assert image.stack.bytes is None
    with pytest.raises(ToolError, match=r"faulted.*in inference 1: .*stack exhausted|faulted in down in inference 1"):
        Session(emulator(target, name), image).run_inputs([INPUTS[0], bytes([99]) + bytes(15)], stall_s=20)


@pytest.mark.skipif(find_unicorn() is None, reason="unicorn is not installed")
@pytest.mark.parametrize("beyond", ["0x20040000u", "0x00040000u", "0x00000100u"])
def test_unicorn_faults_outside_the_budget_and_on_writes_to_flash(beyond: str, folder: Path) -> None:
    image = fake_image(
        folder, "m4", "auto", broken(f"volatile uint32_t *volatile where = (volatile uint32_t *)(uintptr_t){beyond}; *where = 1u;")
    )
    with pytest.raises(ToolError, match="faulted in tinykd_fake_invoke"):
        Session(emulator("m4", "unicorn"), image).run_inputs([bytes([99]) + bytes(15)])


@pytest.mark.parametrize("name", EMULATORS)
def test_an_endless_loop_is_an_error_not_a_hang(name: str, folder: Path) -> None:
    image = fake_image(folder, "m4", "auto", broken("for (volatile int forever = 1; forever;) { }"))
    with pytest.raises(ToolError, match="sent nothing for"):
        Session(emulator("m4", name), image).run_inputs([bytes([99]) + bytes(15)], stall_s=1)


@pytest.mark.parametrize("name", EMULATORS)
def test_a_model_that_refuses_is_an_error(name: str, folder: Path) -> None:
    image = fake_image(folder, "m4", "auto", broken("return -1;"))
    with pytest.raises(ToolError, match="refused input 1: the model refused"):
        Session(emulator("m4", name), image).run_inputs([INPUTS[0], bytes([99]) + bytes(15)])


@pytest.mark.parametrize("name", EMULATORS)
def test_an_input_of_the_wrong_length_is_an_error(name: str, folder: Path) -> None:
    with pytest.raises(ToolError, match="refused input 0: the input has the wrong length"):
        Session(emulator("m4", name), fake_image(folder, "m4", "auto")).run_inputs([bytes(BYTES + 1)])


@pytest.mark.parametrize("name", EMULATORS)
def test_damaged_frames_are_refused_and_the_next_one_answered(name: str, folder: Path) -> None:
    damaged = bytearray(encode(Frame("R", INPUTS[0])))
    damaged[-1] ^= 1
    asked = b"noise" + bytes(damaged) + encode(Frame("?", b"abc")) + encode(Frame("R", INPUTS[1])) + encode(Frame("Q")) + encode(Frame("S"))
    result = emulator("m4", name).run(fake_image(folder, "m4", "auto"), asked)
    kinds = [(f.kind, f.words()[0] if f.kind == "E" else f.payload[8:]) for f in decode(result.replies)][1:]
    assert kinds == [("E", 3), ("E", 1), ("R", expected(INPUTS[1]))]
    assert result.exit_code == 0


@pytest.mark.parametrize("name", EMULATORS)
def test_a_stream_cut_off_inside_a_frame_ends_with_code_2(name: str, folder: Path) -> None:
    result = emulator("m4", name).run(fake_image(folder, "m4", "auto"), encode(Frame("R", INPUTS[0]))[:-6])
    assert result.exit_code == 2


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", EMULATORS)
@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_weight_bit_is_noticed(bit: int, name: str, toolchain: str, folder: Path, tmp_path: Path) -> None:
    image = fake_image(folder, "m4", toolchain)
    (table,) = weight_tables(image)
    assert (table.name, table.bytes) == ("tinykd_fake_weights", 16)
    wrong = flip_bit(image, table.address + 5, bit, tmp_path / "wrong.elf")
    served = Session(emulator("m4", name), wrong).run_inputs(INPUTS)
    assert served.golden.differing == 2  # one output of each of two vectors
    assert "DIFFER" in served.text
    assert "WEIGHTS DAMAGED" in served.text
    assert served.identity.constants_crc == CONSTANTS_CRC
    assert served.identity.constants_crc_found == zlib.crc32(bytes(5 * [1] + [1 ^ 1 << bit] + 10 * [1]))
    for inference, fed in zip(served.inferences, INPUTS):
        differing = [i for i, (got, want) in enumerate(zip(inference.outputs, expected(fed))) if got != want]
        assert set(differing) <= {5}
    assert any(i.outputs != expected(fed) for i, fed in zip(served.inferences, INPUTS))


@pytest.mark.parametrize("name", EMULATORS)
def test_an_image_that_is_no_program_is_an_error(name: str, folder: Path, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.elf"
    garbage.write_bytes(b"not an ELF file")
    image = dataclasses.replace(fake_image(folder, "m4", "auto"), elf=garbage)
    with pytest.raises(ToolError):
        Session(emulator("m4", name), image).run_inputs([], stall_s=5)


def test_unknown_emulator_and_core_without_one() -> None:
    with pytest.raises(ToolError, match="renode"):
        find_emulator(find_target("m4"), "renode")
    with pytest.raises(ToolError, match="no emulator for cortex-m55") as caught:
        find_emulator(find_target("m55"), "unicorn")
    assert "qemu" in caught.value.hint


def test_the_header_of_the_fake_model_is_the_generated_ones_shape() -> None:
    for name in ("ARENA_BYTES", "INPUTS", "OUTPUTS", "NAME"):
        assert f"TINYKD_MODEL_{name}" in HEADER
