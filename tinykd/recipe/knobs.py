"""The knobs of each architecture, typed: the keyword arguments of the functions in `tinykd.nets`, row for row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from tinykd.errors import RecipeError
from tinykd.recipe.section import Positive, PositiveInt, Section

Stride = Annotated[int, Field(ge=1, le=4)]
Depth = Annotated[int, Field(ge=1, le=100)]


class DsCnn(Section):
    """Knobs of ds_cnn: a convolution, then depthwise-separable blocks."""

    width: PositiveInt | tuple[PositiveInt, ...] = Field(
        default=32, description="channels everywhere, or [first convolution, block 1, block 2, ...]"
    )
    depth: Depth = Field(default=3, description="depthwise-separable blocks")
    strides: tuple[Stride, ...] = Field(default=(1, 2), description="[first convolution, block 1, ...]; missing ones are 1")
    kernel: PositiveInt = Field(default=3, description="side of the depthwise filters")
    first_kernel: tuple[PositiveInt, PositiveInt] = Field(default=(3, 3), description="[height, width] of the first convolution")

    @model_validator(mode="after")
    def _lengths(self) -> DsCnn:
        layers = self.depth + 1
        if isinstance(self.width, tuple) and len(self.width) != layers:
            raise ValueError(
                f"width lists {len(self.width)} numbers; depth {self.depth} needs {layers}: the first convolution and each block"
            )
        if len(self.strides) > layers:
            raise ValueError(f"strides lists {len(self.strides)} numbers; at depth {self.depth} {layers} layers can stride")
        return self


class Resnet8(Section):
    """Knobs of resnet8: three stages of one residual block."""

    width: PositiveInt = Field(default=16, description="channels of the first stage; each further stage doubles them")


class Resnet(Section):
    """Knobs of resnet."""

    width: PositiveInt = Field(default=16, description="channels of the first stage; each further stage doubles them")
    stages: Annotated[int, Field(ge=1, le=6)] = Field(default=3, description="each stage after the first halves height and width")
    blocks: Depth = Field(default=3, description="residual blocks a stage, two 3x3 convolutions each")


class Mlp(Section):
    """Knobs of mlp."""

    hidden: tuple[PositiveInt, ...] = Field(default=(64,), description="units of each hidden layer")


class MobilenetV2Tiny(Section):
    """Knobs of mobilenet_v2_tiny: inverted residuals."""

    width: Positive = Field(default=1.0, description="multiplies every number of channels")
    expansion: Annotated[int, Field(ge=1, le=12)] = Field(
        default=4, description="channels inside a block over those entering it; 1 in the first stage"
    )
    first_stride: Stride = Field(default=1, description="of the first convolution")
    stages: Annotated[tuple[tuple[PositiveInt, Depth, Stride], ...], Field(min_length=1)] = Field(
        default=((8, 1, 1), (16, 2, 2), (24, 2, 2)), description="[channels, blocks, stride of the first block] of each stage"
    )
    last: PositiveInt = Field(default=96, description="channels of the last 1x1 convolution")


KNOBS: dict[str, type[Section]] = {
    "ds_cnn": DsCnn,
    "resnet8": Resnet8,
    "resnet": Resnet,
    "mlp": Mlp,
    "mobilenet_v2_tiny": MobilenetV2Tiny,
}


def typed_knobs(net: str, knobs: Mapping[str, Any]) -> Section:
    """The knobs of `net` with every default filled in. Strict: `"3"` and `true` are not numbers.

    Raises:
        ValidationError: unknown knob or wrong value.
    """
    return KNOBS[net].model_validate_json(json.dumps(dict(knobs), default=str), strict=True)


def resolve_knobs(net: str, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """As `typed_knobs`, as keyword arguments.

    Raises:
        RecipeError: unknown knob or wrong value.
    """
    try:
        return typed_knobs(net, knobs).model_dump()
    except ValidationError as error:
        problems = "; ".join(".".join(map(str, e["loc"])) + f": {e['msg']}" if e["loc"] else e["msg"] for e in error.errors())
        raise RecipeError(f"{net}: {problems}", f"its knobs are {', '.join(KNOBS[net].model_fields)}") from None
