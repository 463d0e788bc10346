"""The memory report of an export: from the plan alone, or with the linked image."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from tinykd.compile.emit.names import Names, described
from tinykd.compile.emit.places import MAIN_BANK, places
from tinykd.compile.emit.tables import Constants, collect
from tinykd.compile.ops.operator import Call
from tinykd.compile.planner.limit import limit_of
from tinykd.compile.planner.liveness import Buffer
from tinykd.compile.planner.plan import Plan
from tinykd.compile.program import Layer, Program
from tinykd.deploy.export import Exported
from tinykd.deploy.narrower import narrower_of
from tinykd.deploy.reduction import reduction_of
from tinykd.deploy.streaming import streaming_of
from tinykd.report.memory import BankMemory, Budget, LayerMemory, Limit, Memory, Piece, PlannedBuffer, Role
from tinykd.target.build import Image
from tinykd.target.elf import read_elf

DEFAULT_BYTES = 256 << 10
"""The budget of a target without memories of its own."""


def memory_report(exported: Exported, image: Image | None, stack_measured: int | None = None) -> Memory:
    """Every byte of flash and RAM.

    Args:
        image: the linked image; without one, code and stack are unknown and count 0.
        stack_measured: painted-stack high water in bytes, if the image ran.
    """
    program, plan = exported.program, exported.plan
    constants = collect(program, Names(program.graph.name), plan.schedule)
    common: dict[str, Any] = {
        "model": program.graph.name,
        "model_sha256": program.graph.model_sha256,
        "target": exported.target.name,
        "optimize": exported.settings.optimize,
        "rounding": exported.settings.rounding,
        "arena_lower_bound_bytes": plan.arena_bytes if plan.optimal else plan.lower_bound,
        "arena_proved_optimal": plan.optimal,
        "stack_measured_bytes": stack_measured,
        "banks": tuple(BankMemory(name=bank.name, bytes=bank.bytes, capacity_bytes=bank.capacity) for bank in plan.banks),
        "io_bytes": sum(parameter.bytes for parameter in places(program, plan, Names(program.graph.name)).ends),
        "macs": program.macs,
        "reduction": reduction_of(exported),
        "streaming": streaming_of(exported),
        "layers": tuple(_layer(exported, constants, layer) for layer in program.layers),
        "buffers": tuple(_buffer(program, plan, buffer) for buffer in plan.buffers),
        "limit": _limit(program, plan),
        "narrower": narrower_of(exported),
    }
    sizes = image.sizes if image else None
    if image is None or sizes is None:
        return Memory(
            **common,
            toolchain=image.toolchain if image else "",
            budget=budget_of(exported),
            weights_bytes=constants.bytes,
            code_bytes=0,
            vectors_bytes=0,
            golden_bytes=0,
            flash_bytes=constants.bytes,
            kernels=(),
            arena_bytes=plan.arena_bytes,
            stack_bytes=0,
            data_bytes=0,
            bss_bytes=0,
            ram_bytes=plan.arena_bytes - sum(bank.bytes for bank in plan.banks if bank.name != MAIN_BANK) + common["io_bytes"],
        )
    vectors = read_elf(image.elf).section(".vectors")
    return Memory(
        **common,
        toolchain=image.toolchain,
        budget=budget_of(exported),
        weights_bytes=sizes.weights_bytes,
        code_bytes=sizes.code_bytes,
        vectors_bytes=vectors.bytes if vectors else 0,
        golden_bytes=sizes.golden_bytes,
        flash_bytes=sizes.flash_bytes,
        code_parts=tuple(Piece(name=part.name, bytes=getattr(sizes.code, part.name)) for part in fields(sizes.code)),
        kernels=tuple(Piece(name=one.source, bytes=one.code) for one in sorted(sizes.objects, key=lambda one: -one.code) if one.code),
        arena_bytes=sizes.arena_bytes,
        stack_bytes=sizes.stack_bytes,
        data_bytes=sizes.data_bytes,
        model_stack_bytes=image.stack.model_bytes,
        bss_bytes=sizes.bss_bytes - (sizes.arena_bytes - sum(sizes.banks.values())) - sizes.io_bytes,
        ram_bytes=sizes.ram_bytes,
    )


def budget_of(exported: Exported) -> Budget:
    """The recipe's or command line's budget, else the board's, else 256 KiB each."""
    board = exported.target.board
    flash, ram = (board.budget.flash_bytes, board.budget.ram_bytes) if board else (DEFAULT_BYTES, DEFAULT_BYTES)
    return Budget(flash_bytes=exported.source.flash_bytes or flash, ram_bytes=exported.source.ram_bytes or ram)


def _buffer(program: Program, plan: Plan, buffer: Buffer) -> PlannedBuffer:
    scratch_of = program.layers[-1 - buffer.key] if buffer.key < 0 else None
    subject = buffer.key if scratch_of is None else scratch_of.op.subject
    return PlannedBuffer(
        name=program.tensor(subject).name,
        role="scratch" if scratch_of else _role(program, buffer.key),
        operator=scratch_of.op.kind if scratch_of else _producer(program, buffer.key),
        offset=plan.offsets[buffer.key],
        bytes=buffer.bytes,
        first=buffer.first,
        last=buffer.last,
    )


def _role(program: Program, tensor: int) -> Role:
    owner = program.storage()
    if tensor in {state.tensor for state in program.graph.states}:
        return "state"
    if tensor in program.graph.inputs:
        return "input"
    return "output" if tensor in {owner.get(index) for index in program.graph.outputs} else "tensor"


def _producer(program: Program, tensor: int) -> str:
    return next((layer.op.kind for layer in program.layers if tensor in layer.op.outputs), "")


def _limit(program: Program, plan: Plan) -> Limit:
    found = limit_of(plan, len(program.layers))
    position = {b.key: k for k, b in enumerate(plan.buffers)}
    return Limit(
        step=found.step,
        bytes=found.bytes,
        shared_bytes=found.shared_bytes,
        buffers=tuple(position[b.key] for b in found.buffers),
        stack=tuple(position[b.key] for b in found.stack),
    )


def _layer(exported: Exported, constants: Constants, layer: Layer) -> LayerMemory:
    call, result = layer.call, exported.program.tensor(layer.op.subject)
    sizes = {constant.symbol: constant.bytes for constant in constants.listed}
    used: set[str] = set()
    if isinstance(call, Call):
        used = constants.of_layer(layer.index)
        used |= {constants.operands[i] for i in layer.passed if i in constants.operands}
    return LayerMemory(
        index=layer.index,
        operator=layer.op.kind,
        name=result.name,
        output=described(result),
        kernel=call.function if isinstance(call, Call) else "",
        macs=layer.macs,
        weights_bytes=sum(sizes[symbol] for symbol in used),
        arena_bytes=exported.plan.live[layer.index],
        live=tuple(k for k, b in enumerate(exported.plan.buffers) if b.first <= layer.index <= b.last),
    )
