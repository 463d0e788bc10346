"""Which layers have weights of few bits, and which keep eight."""

from __future__ import annotations

from fnmatch import fnmatchcase

from tinykd.errors import RecipeError, UnsupportedModel
from tinykd.quantize.native.node import Nodes
from tinykd.quantize.native.weight_grid import GRIDS, INT8, WeightGrid
from tinykd.quantize.native.weighted import Weighted
from tinykd.recipe.model import Quantize

ENDS = {"first": 0, "last": -1}
"""Words that name layers by their place."""


def weight_grids(network: Nodes, settings: Quantize) -> dict[int, WeightGrid]:
    """The grid of each kernel's weights, by node.

    Raises:
        RecipeError: a name in `eight_bits` that no layer with weights has.
    """
    kernels = [index for index, node in enumerate(network.nodes) if isinstance(node.operation, Weighted)]
    low = GRIDS[settings.weight_bits]
    found = dict.fromkeys(kernels, low)
    if low == INT8:
        return found
    for pattern in settings.eight_bits:
        names = {index: network.nodes[index].name for index in kernels}
        # A part of a layer (of a separable convolution) goes with its layer.
        chosen = [index for index, name in names.items() if fnmatchcase(name, pattern) or fnmatchcase(name.split("/")[0], pattern)]
        if pattern in ENDS and kernels:
            chosen = [kernels[ENDS[pattern]]]
        if not chosen:
            raise RecipeError(
                f"quantize.eight_bits names {pattern}, which no layer with weights is called",
                f'such layers are {", ".join(names.values())}; or say "first", "last"',
            )
        found.update(dict.fromkeys(chosen, INT8))
    return found


def refuse_low_bits(settings: Quantize) -> None:
    """For networks that the converter quantizes.

    Raises:
        UnsupportedModel: fewer than eight bits are asked for.
    """
    if settings.weight_bits != 8:
        raise UnsupportedModel(
            f"weights of {settings.weight_bits} bits are not there for recurrent students, which the converter quantizes",
            "set quantize.weight_bits = 8, or choose a student without LSTM and GRU",
        )
