"""What every `[distill.scheme]` table has in common.

A section's docstring is its documentation, in the form that `tinykd.recipe.losses.loss` describes.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from tinykd.recipe.section import Section

Several = Annotated[int, Field(ge=2, le=32)]
Ramp = Annotated[float, Field(ge=0, le=1)]
RAMP = "share of the epochs in which the weight of distillation grows as exp(-5 (1 - t)^2); 0: none"


class SchemeSection(Section):
    """How a run gets from data to `student.keras`.

    Attributes:
        given_teacher: whether a trained teacher (`teacher.path`) can stand in for the one that the recipe trains.
        runs_teacher: whether the teacher must run on inputs that are not the data's.
        ensemble: whether the student learns from an ensemble, whose members' layers it does not see.
        trains_alone: whether the student is trained by an objective of the scheme's own instead of the recipe's losses, which then
            begin in quantization-aware training.
        augments: whether the student can be trained inside a wider network (`[distill.netaug]`).
    """

    given_teacher: ClassVar[bool] = True
    runs_teacher: ClassVar[bool] = False
    ensemble: ClassVar[bool] = False
    trains_alone: ClassVar[bool] = False
    augments: ClassVar[bool] = True

    name: str
