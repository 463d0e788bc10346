"""Where the generated C finds each tensor: in an arena, or in a buffer that the caller hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinykd.compile.emit.names import CTYPES, Names
from tinykd.compile.planner.plan import ARENA_ALIGNMENT, Plan
from tinykd.compile.program import Program

CALLER_ALIGNMENT = 4
"""Bytes that a caller's buffer must be aligned to, or more where its elements are larger: kernels load words."""


@dataclass(frozen=True)
class Parameter:
    """A pointer that the generated functions take.

    Attributes:
        declaration: as in a prototype, `const int8_t *input`.
        name: of the pointer.
        bytes: what lies behind it.
        alignment: bytes.
        tensor: the graph input or output, None for an arena.
    """

    declaration: str
    name: str
    bytes: int
    alignment: int
    tensor: int | None = None

    @property
    def const(self) -> str:
        """What its contents are qualified by."""
        return "const " if self.declaration.startswith("const ") else ""


@dataclass(frozen=True)
class Places:
    """Every pointer of the generated functions.

    Attributes:
        arenas: parameters of all functions.
        ends: further parameters of an inference: inputs and outputs outside the arena, in the model's order.
        held: whose buffer holds a tensor, by buffer key, for those outside the arena.
        copied: outputs whose integers lie in another buffer at the end, and that buffer's key, as (output, key).
    """

    plan: Plan
    owner: Mapping[int, int]
    starts: Mapping[int, int]
    arenas: tuple[Parameter, ...]
    ends: tuple[Parameter, ...]
    held: Mapping[int, Parameter]
    copied: tuple[tuple[Parameter, int], ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of an inference."""
        return (*self.arenas, *self.ends)

    def of_key(self, key: int) -> str:
        """The address of a buffer, as a byte pointer in C."""
        return self.held[key].name if key in self.held else self._in_arena(self.plan.offsets[key])

    def of_tensor(self, index: int) -> str:
        """The address of an activation, views and parts included."""
        held, start = self.held.get(self.owner[index]), self.starts[index]
        if held is None:
            return self._in_arena(self.plan.tensor_offsets[index])
        return held.name if not start else f"({held.const}int8_t *){held.name} + {start}"

    def _in_arena(self, offset: int) -> str:
        bank = next((bank for bank in reversed(self.plan.banks) if bank.bytes and bank.start <= offset), None)
        return f"a + {offset}" if bank is None else f"{pointer(bank.name)} + {offset - bank.start}"

    def void(self, index: int) -> str:
        """The same as an argument for a parameter of any pointer type."""
        held = self.held.get(self.owner[index])
        if held is None:
            return f"(void *)({self.of_tensor(index)})"
        return f"({held.const}void *)({self.of_tensor(index)})" if self.starts[index] else f"({held.const}void *){held.name}"


MAIN_BANK = "ram"
"""The bank that every board has; its part is called `arena` in C, as is an arena in one piece."""


def pointer(bank: str) -> str:
    """The byte pointer to a bank's part of the arena in C."""
    return "a" if bank == MAIN_BANK else f"a_{bank}"


def pointer_of(parameter: Parameter) -> str:
    """The byte pointer to what an arena's parameter names."""
    return "a" if parameter.name == "arena" else pointer(parameter.name)


def _arenas(plan: Plan) -> tuple[Parameter, ...]:
    """The main bank's part first, though it may be empty, then the others in their order."""
    main = next((bank.bytes for bank in plan.banks if bank.name == MAIN_BANK), 0) if plan.banks else plan.arena_bytes
    others = (
        Parameter(f"void *{b.name}", b.name, max(b.bytes, ARENA_ALIGNMENT), ARENA_ALIGNMENT) for b in plan.banks if b.name != MAIN_BANK
    )
    return (Parameter("void *arena", "arena", max(main, ARENA_ALIGNMENT), ARENA_ALIGNMENT), *others)


def places(program: Program, plan: Plan, names: Names) -> Places:
    """Where everything lies."""
    graph, owner = program.graph, program.storage()
    ends, held, copied = list[Parameter](), dict[int, Parameter](), list[tuple[Parameter, int]]()
    for role, indices in (("input", graph.inputs), ("output", graph.outputs)) if plan.outside else ():
        for position, index in enumerate(indices):
            tensor, name = graph.tensors[index], names.port(role, position, len(indices))
            const = "const " if role == "input" else ""
            alignment = max(CALLER_ALIGNMENT, tensor.bytes // max(tensor.elements, 1))
            end = Parameter(f"{const}{CTYPES[tensor.dtype]} *{name}", name, tensor.bytes, alignment, index)
            ends.append(end)
            if owner[index] in plan.outside and owner[index] not in held:
                held[owner[index]] = end
            elif role == "output":
                copied.append((end, owner[index]))
    return Places(plan, owner, program.starts(), _arenas(plan), tuple(ends), held, tuple(copied))
