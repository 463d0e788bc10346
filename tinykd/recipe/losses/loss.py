"""What every `[[distill.losses]]` table has in common.

A section's docstring is its documentation: `tinykd methods` prints its first line, `docs/methods/` all of it. It reads

    One line that says what is compared.

    What else there is to know (any number of paragraphs, or none).

    Formula: with s, t logits [batch, classes] of student and teacher, F features [batch, height, width, channels]
    Paper: authors year, "title", section or equation
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tinykd.recipe.section import NonNegative, Section

Compares = Literal["logits", "features", "models"]
"""What the teacher must give: its logits, features of layers, or itself."""

Pairs = tuple[tuple[str, str], ...] | Literal["auto"]
"""(student layer, teacher layer), each a name or a glob; or `auto`."""


Auto = Literal["maps", "inner_maps", "last_map", "embedding"]
"""What `pairs = "auto"` means to a loss."""


class LossSection(Section):
    """A term of the distillation loss.

    Attributes:
        compares: what the teacher must give.
        helpers: networks that are trained beside the student and thrown away; empty where there are none.
        shares_labels: whether its weight is taken from the labels' unless `distill.label_weight` says otherwise (Hinton's alpha).
    """

    compares: ClassVar[Compares] = "logits"
    helpers: ClassVar[str] = ""
    shares_labels: ClassVar[bool] = False

    name: str
    weight: NonNegative = 1.0
    warmup_epochs: NonNegative = Field(default=0.0, description="in which the weight rises linearly from 0")
    decay: Literal["none", "linear", "cosine"] = Field(default="none", description="of the weight, to 0 at the end of the training")


class FeatureSection(LossSection):
    """A term that compares layers of both networks: what they give, or their weights.

    Attributes:
        auto: what `pairs = "auto"` means: `maps`, the last layer of each spatial size that both networks have (where neither has
            maps, the embedding); `inner_maps`, these without the largest, if there are more than two; `last_map`, the last of these;
            `embedding`, the last vector before the logits.
        reads: what `auto` takes of a layer of the student that is a ReLU: its output, or its input, the pre-activation.
    """

    compares: ClassVar[Compares] = "features"
    auto: ClassVar[Auto] = "maps"
    reads: ClassVar[Literal["output", "pre_activation"]] = "output"

    pairs: Pairs = Field(default="auto", description="[student layer, teacher layer] each, names or globs; auto matches by resolution")
