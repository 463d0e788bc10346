"""What a recipe says about network augmentation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinykd.recipe.section import Positive, PositiveInt, Section, UnitInterval

Factor = Annotated[float, Field(ge=1, le=16)]


class NetAug(Section):
    """Network augmentation: each step adds the loss of a randomly drawn wider network around the student (Cai et al. 2022)."""

    width: tuple[Factor, ...] = Field(
        default=(1.0, 1.8, 2.6), description="channels over the student's that may be drawn; 1 is always among them"
    )
    expand: tuple[Factor, ...] = Field(
        default=(1.0, 1.6, 2.2, 2.8), description="the same for channels inside blocks, to the end of training"
    )
    every: PositiveInt = Field(default=1, description="an augmented step every so many; more is cheaper")
    weight: Positive = Field(default=1.0, description="of the drawn network's loss")
    sort: Literal["l1", "none"] = Field(
        default="l1", description="l1: each epoch of width augmentation begins with the most important channels moved into the student"
    )
    width_epochs: UnitInterval = Field(default=0.5, description="share of the epochs with width augmentation")
    init: Literal["student", "kaiming_uniform"] = Field(
        default="student", description="first weights: student's own with fresh ones around them; kaiming_uniform: all by the wide fan in"
    )

    @model_validator(mode="after")
    def _wider(self) -> NetAug:
        if max((*self.width, *self.expand), default=1.0) == 1.0:
            raise ValueError("no factor of width or expand is above 1: nothing would be augmented")
        if max(self.expand, default=1.0) == 1.0 and self.width_epochs == 0:
            raise ValueError("width_epochs = 0 leaves no width augmentation, and expand has no factor above 1")
        return self
