"""What pruning took from the student, and what that cost."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section


class Change(Section):
    """A size before and after; null where it is not known."""

    before: int | None
    after: int | None


class LayerWidth(Section):
    """Channels that one layer (and all that must have as many) makes."""

    layer: str
    before: int
    after: int


class Splits(Section):
    """Top-1 accuracy as a fraction."""

    test: float
    validation: float


class Accuracies(Section):
    """Of the float network."""

    student: Splits = Field(description="before pruning")
    cut: Splits = Field(description="pruned, its batch norm measured again, not yet trained")
    pruned: Splits = Field(description="distilled back")


class Pruning(Section):
    """The section `pruning` of report.json, written by `tinykd distill` with a [prune] table."""

    method: str
    importance: str
    ranking: str
    layers: tuple[LayerWidth, ...] = Field(description="empty where single weights were set to zero")
    zeros: float | None = Field(description="fraction of weights set to zero; null where channels were removed")
    parameters: Change
    macs: Change = Field(description="multiply-accumulates of one inference")
    flash: Change = Field(description="bytes of weights, biases and multipliers as int8 on the core that takes most, without code")
    accuracy: Accuracies


def pruning_text(section: Pruning) -> str:
    """What went, sizes before and after, accuracy before, between and after."""
    lines = [f"pruning ({section.method}, {section.importance}, {section.ranking})"]
    if section.layers:
        lines.append("channels: " + ", ".join(f"{one.layer} {one.before} -> {one.after}" for one in section.layers))
    for name, change, unit in (
        ("parameters", section.parameters, ""),
        ("MACs", section.macs, ""),
        ("constants in flash", section.flash, " bytes"),
    ):
        if change.before and change.after is not None:
            lines.append(f"{name}: {change.before:,} -> {change.after:,}{unit} ({100 * (change.after / change.before - 1):+.0f} %)")
    if section.zeros is not None:
        lines.append(
            f"{100 * section.zeros:.0f} % of the weights are zero. Zeros are stored and multiplied like other weights: flash, RAM and time "
            "stay as they were. Only a compressed file is smaller, which would have to be unpacked into RAM; channels shrink all of them."
        )
    a = section.accuracy
    lines.append(
        f"test accuracy: {100 * a.student.test:.2f} % before, {100 * a.cut.test:.2f} % cut, {100 * a.pruned.test:.2f} % distilled back"
    )
    return "\n".join(lines) + "\n"
