"""What a recipe says about one training: epochs, optimizer, learning rate."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinykd.recipe.section import Fraction, NonNegative, Positive, PositiveInt, Section, UnitInterval


class Training(Section):
    """One training schedule."""

    epochs: PositiveInt = Field(default=30, description="passes over the training split")
    batch_size: PositiveInt = Field(default=128, description="samples a step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field(default="adam", description="adamw decouples weight_decay")
    learning_rate: Positive = Field(default=2e-3, description="its peak")
    schedule: Literal["constant", "cosine", "step"] = Field(
        default="cosine", description="cosine ends at 0; step divides by 10 at 1/2 and 3/4"
    )
    warmup_epochs: NonNegative = Field(default=0.0, description="linear from 0")
    weight_decay: NonNegative = Field(default=0.0, description="decay of kernels; not of biases and normalization")
    momentum: UnitInterval = Field(default=0.9, description="sgd only")
    label_smoothing: Fraction = Field(default=0.0, description="probability spread over all classes")
