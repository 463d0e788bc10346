"""What `tinykd check` says: each model against a budget, on a line."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, computed_field

from tinykd.recipe.section import Section
from tinykd.report.memory import Budget

Verdict = Literal["fits", "over budget", "unsupported"]


class Checked(Section):
    """One model."""

    model: str = Field(description="the file")
    verdict: Verdict
    target: str
    measured: bool = Field(description="linked and measured; otherwise flash holds no code and RAM no stack: there is no compiler here")
    flash_bytes: int | None = Field(description="null where the model is unsupported")
    ram_bytes: int | None
    arena_bytes: int | None
    budget: Budget
    why: tuple[str, ...] = Field(default=(), description="what to shrink, or why the model is refused")


class Check(Section):
    """All models of one call."""

    schema_version: Literal[1] = 1
    models: tuple[Checked, ...]

    @computed_field(description="every model fits")  # type: ignore[prop-decorator]
    @property
    def passed(self) -> bool:
        return all(model.verdict == "fits" for model in self.models)


def check_text(check: Check) -> str:
    """A line a model, with the reasons below those that do not pass."""
    lines = []
    for one in check.models:
        lines.append(f"{one.verdict:<12} {one.model} on {one.target}" + (f": {_figures(one)}" if one.flash_bytes is not None else ""))
        lines += [f"  {why}" for why in one.why]
    return "\n".join(lines) + "\n"


def check_markdown(check: Check) -> str:
    """A table, for a pull request."""
    lines = ["| model | target | flash | of | RAM | of | |", "|---|---|---:|---:|---:|---:|---|"]
    for one in check.models:
        flash, ram = (f"{value:,}" if value is not None else "-" for value in (one.flash_bytes, one.ram_bytes))
        name = one.model.replace("|", "\\|").replace("`", "'")
        lines.append(
            f"| `{name}` | {one.target} | {flash} | {one.budget.flash_bytes:,} | {ram} | {one.budget.ram_bytes:,} | "
            f"{one.verdict}{'' if one.measured or one.flash_bytes is None else ' (estimate)'} |"
        )
    return "\n".join(lines) + "\n"


def _figures(one: Checked) -> str:
    assert one.flash_bytes is not None
    assert one.ram_bytes is not None
    flash, ram = (
        f"{name} {used:,} of {most:,} bytes ({100 * used / most:.1f} %)"
        for name, used, most in (("flash", one.flash_bytes, one.budget.flash_bytes), ("RAM", one.ram_bytes, one.budget.ram_bytes))
    )
    return f"{flash}, {ram}" + ("" if one.measured else "; without code and stack: no compiler here")
