"""One row of a study's results: a network as it is deployed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from pydantic import Field

from tinykd.recipe.section import Section


class Row(Section):
    """A line of `study.csv`. Accuracies and agreement are fractions of the test split."""

    point: str = Field(description="network or values of the grid")
    group: str
    treatment: str
    training: str = Field(description="how the student was trained")
    form: str = Field(description="float, dynamic_range, ptq or qat")
    seed: int
    accuracy_float: float = Field(description="of the trained float32 student")
    accuracy: float = Field(description="of the deployed form; int8 forms by LiteRT's reference integers")
    validation_accuracy: float = Field(description="of the deployed form on validation")
    teacher_accuracy: float
    agreement: float = Field(description="of the deployed form with the teacher: same top-1 class")
    parameters: int
    macs: int | None = Field(description="multiply-accumulates of one inference; empty where no kernel counts them")
    model_bytes: int = Field(description="of the .tflite")
    weights_bytes: int | None = Field(description="constants in flash; int8 forms only, like the next four")
    flash_bytes: int | None = Field(description="of the linked firmware")
    arena_bytes: int | None
    ram_bytes: int | None = Field(description="of the linked firmware: arena, stack, data")
    target: str | None = Field(description="of flash and RAM")
    seconds: float = Field(description="wall-clock of the trainings that this network needs, teacher left out")
    model_sha256: str
    settings: dict[str, str] = Field(default_factory=dict, description="values of the grid")


def as_csv(rows: Sequence[Row]) -> str:
    """The table with a header; a column for each key of the grid; None is empty."""
    keys = list(dict.fromkeys(key for row in rows for key in row.settings))
    columns = [name for name in Row.model_fields if name != "settings"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, *keys])
    for row in rows:
        values: Mapping[str, object] = row.model_dump()
        writer.writerow([*(values[name] for name in columns), *(row.settings.get(key, "") for key in keys)])
    return text.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """An array of objects."""
    return json.dumps([row.model_dump() for row in rows], indent=2)
