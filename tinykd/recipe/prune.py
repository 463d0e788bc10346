"""What a recipe says about pruning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinykd.recipe.section import PositiveInt, Section, Size
from tinykd.recipe.training import Training

Share = Annotated[float, Field(gt=0, lt=1)]

AMOUNTS = ("fraction", "parameters", "macs", "flash")
"""Keys of which one says how much."""

CHANNELS_ONLY = ("parameters", "macs", "flash", "least", "multiple")


class Prune(Section):
    """The trained student loses its least important channels, and is distilled back (Li et al. 2017)."""

    method: Literal["channels", "weights"] = Field(
        default="channels",
        description="channels: a smaller network; weights: single weights become 0, which does not shrink flash (native engine)",
    )
    importance: Literal["l1", "l2"] = Field(default="l2", description="norm of a filter, its batch norm's scale included")
    ranking: Literal["layer", "global"] = Field(
        default="layer",
        description="layer: the same share of every layer; global: the least of all layers, each relative to its layer's mean",
    )
    fraction: Share | None = Field(default=None, description="of channels (or weights) that go; 0.5 if nothing else says how much")
    parameters: PositiveInt | None = Field(default=None, description="the pruned student has at most so many; instead of fraction")
    macs: PositiveInt | None = Field(default=None, description="multiply-accumulates of one inference, at most; instead of fraction")
    flash: Size | None = Field(
        default=None,
        description='weights, biases and multipliers in flash, at most, on any core, without code: "12 KiB"; instead of fraction',
    )
    least: PositiveInt = Field(default=4, description="channels that every layer keeps")
    multiple: PositiveInt = Field(default=1, description="layers keep a multiple of so many channels, rounded up; 4 suits Cortex-M kernels")
    train: Training = Training(epochs=30, learning_rate=1e-3)

    @model_validator(mode="after")
    def _one_amount(self) -> Prune:
        said = [name for name in AMOUNTS if getattr(self, name) is not None]
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} both say how much goes: leave one")
        if self.method == "weights":
            plain = type(self).model_fields
            asked = [name for name in CHANNELS_ONLY if getattr(self, name) != plain[name].default]
            if asked:
                raise ValueError(
                    f'{", ".join(asked)} needs method = "channels": zeros take as much flash and as many steps as other weights'
                )
        return self

    @property
    def share(self) -> float | None:
        """The fraction, also where nothing is said; None where another key says how much."""
        if self.fraction is not None:
            return self.fraction
        return 0.5 if all(getattr(self, name) is None for name in AMOUNTS) else None
