"""What a recipe says about an architecture."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from tinykd.recipe.knobs import typed_knobs
from tinykd.recipe.section import Section

NetName = Literal["ds_cnn", "resnet8", "resnet", "mlp", "mobilenet_v2_tiny"]


class Net(Section):
    """An architecture by name and its knobs."""

    net: NetName = Field(default="ds_cnn", description="architecture")
    knobs: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of the architecture", validate_default=True)

    @field_validator("knobs")
    @classmethod
    def _checked(cls, knobs: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        return typed_knobs(info.data["net"], knobs).model_dump() if "net" in info.data else knobs
