"""Profile: the instructions of every layer in an emulator, exact to one, from the clock between layers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tinykd.compile.emit.golden import packed
from tinykd.compile.emit.names import described
from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program
from tinykd.deploy.compare import Comparison, unpacked
from tinykd.deploy.export import Exported
from tinykd.deploy.firmware import build_firmware, physical_memory
from tinykd.deploy.reference import reference
from tinykd.errors import ToolError, UsageError
from tinykd.report.profile import Profile, ProfiledLayer
from tinykd.target.emulator.find import find_emulator
from tinykd.target.floors import Kind, floor
from tinykd.target.serve import Session

OUTSIDE = -1
"""The tensor of marks that stand around the inference, not after a layer."""


def profile(exported: Exported, inputs: Sequence[Array], *, toolchain: str = "auto", emulator: str = "auto") -> Profile:
    """Run one inference of an image that reads the clock between layers.

    A mark is a call after each layer; what it costs is measured by two in a row and taken off. What remains is the layer, its call
    and the few instructions that load a mark's arguments.

    Args:
        inputs: one array for each input of the model.

    Raises:
        UsageError: nothing counts the target's instructions.
        ToolError: toolchain or emulator missing or failed.
    """
    machine = find_emulator(exported.target, emulator)
    tick = machine.tick(exported.target)
    if tick is None:
        raise UsageError(f"nothing counts instructions on {exported.target.name}", "choose a target with an emulator: --target m4")
    image = build_firmware(exported, physical_memory(exported), toolchain, readings=tick.numerator)
    (inference,) = Session(machine, image).run_inputs([packed(inputs)]).inferences
    program = exported.program
    counts, rest = _instructions(inference.marks, tick)
    core = exported.target.core.name
    total = sum(counts.values()) + rest
    layers = tuple(_step(program, members, counts, total, core) for members in _steps(program, counts))
    return Profile(
        model=program.graph.name,
        model_sha256=program.graph.model_sha256,
        target=exported.target.name,
        emulator=f"{machine.name} {machine.version}".strip(),
        toolchain=image.toolchain,
        optimize=exported.settings.optimize,
        rounding=exported.settings.rounding,
        instructions=total,
        macs=program.macs,
        instructions_per_mac=total / program.macs if program.macs else None,
        floor=sum(layer.floor for layer in layers),
        exact=_exact(exported, inputs, inference.outputs),
        layers=layers,
    )


def _instructions(marks: Sequence[tuple[int, int]], tick: Fraction) -> tuple[dict[int, int], int]:
    """Instructions by tensor at whose mark they ended, and those after the last.

    Raises:
        ToolError: the marks are not those of one inference.
    """
    if len(marks) < 3 or [tensor for tensor, _ in (*marks[:2], marks[-1])] != [OUTSIDE] * 3:
        raise ToolError("the firmware did not mark its layers", "export and build again with this version")
    spent = [clock // tick.denominator for _, clock in marks]
    cost, rest = spent[1], spent[-1]
    return {tensor: count - cost for (tensor, _), count in zip(marks[2:-1], spent[2:-1])}, rest - cost


def _steps(program: Program, counts: dict[int, int]) -> list[list[Layer]]:
    """Computing layers, gathered up to one whose first output has a mark: a chain that runs row by row has one at its end."""
    steps, members = list[list[Layer]](), list[Layer]()
    for layer in program.layers:
        if isinstance(layer.call, Call):
            members.append(layer)
            if layer.op.outputs and layer.op.outputs[0] in counts:
                steps.append(members)
                members = []
    return steps


def _step(program: Program, members: Sequence[Layer], counts: dict[int, int], total: int, core: str) -> ProfiledLayer:
    last = members[-1]
    instructions, macs = sum(counts.get(index, 0) for index in last.op.outputs), sum(layer.macs for layer in members)
    return ProfiledLayer(
        index=last.index,
        members=tuple(layer.index for layer in members),
        operator="+".join(layer.op.kind for layer in members),
        name=program.tensor(last.op.subject).name,
        kernel="+".join(layer.call.function for layer in members if isinstance(layer.call, Call)),
        shape=f"{_shape(program, members[0].passed[:1])} -> {_shape(program, last.op.outputs[:1])}",
        macs=macs,
        outputs=sum(_outputs(program, layer) for layer in members),
        instructions=instructions,
        instructions_per_mac=instructions / macs if macs else None,
        share=instructions / total if total else 0.0,
        floor=sum(_floor(program, layer, core) for layer in members),
    )


def _shape(program: Program, tensors: Sequence[int]) -> str:
    return ", ".join(described(program.tensor(index)) for index in tensors)


def _outputs(program: Program, layer: Layer) -> int:
    return sum(program.tensor(index).elements for index in layer.op.outputs)


def _floor(program: Program, layer: Layer, core: str) -> int:
    kind, outputs = _kind(program, layer), _outputs(program, layer)
    inputs = sum(program.tensor(index).elements for index in layer.passed)
    return floor(core, kind, layer.macs, max(inputs, outputs) if kind == "elementwise" else outputs)


def _kind(program: Program, layer: Layer) -> Kind:
    if layer.op.kind == "CONV_2D":
        return "pointwise" if program.tensor(layer.op.inputs[1]).shape[1:3] == (1, 1) else "convolution"
    return _KINDS.get(layer.op.kind, "elementwise")


_KINDS: dict[str, Kind] = {"DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "dense"}


def _exact(exported: Exported, inputs: Sequence[Array], outputs: bytes) -> bool:
    graph, comparison = exported.program.graph, Comparison()
    judge = reference(exported.program, exported.source.model)
    judge.reset()
    expected = judge.run(tuple(inputs))
    for index, array in zip(graph.outputs, unpacked(outputs, [graph.tensors[i] for i in graph.outputs])):
        comparison.add(0, index, expected[index], array)
    return comparison.differences == 0
