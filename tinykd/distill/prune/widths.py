"""A pruned network as knobs of its architecture, for engines that build it anew by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinykd.errors import RecipeError
from tinykd.recipe.model import Quantize
from tinykd.recipe.net import Net

Knobs = Mapping[str, Any]


def _ds_cnn(model: Any, knobs: Knobs) -> Knobs:
    names = ("conv", *(f"block{block}_pointwise" for block in range(1, knobs["depth"] + 1)))
    return {"width": [int(model.get_layer(name).filters) for name in names]}


def _mlp(model: Any, knobs: Knobs) -> Knobs:
    return {"hidden": [int(model.get_layer(f"dense{number}").units) for number in range(1, len(knobs["hidden"]) + 1)]}


WIDTHS: Mapping[str, Callable[[Any, Knobs], Knobs]] = {"ds_cnn": _ds_cnn, "mlp": _mlp}
"""By net: the knobs that say the width of every layer."""


def net_of(model: Any, net: Net) -> Net:
    """`net` with the widths that `model`, pruned from it, has; `net` itself if its knobs cannot say them."""
    if net.net not in WIDTHS:
        return net
    return Net(net=net.net, knobs={**net.knobs, **WIDTHS[net.net](model, net.knobs)})


def check_quantizes(net: Net, quantize: Quantize, method: str) -> None:
    """Whether quantization keeps what pruning made: zeros, and for the tfmot engine, which builds the student anew by name, widths.

    Raises:
        RecipeError: with what to change.
    """
    if method == "weights" and quantize.weight_bits == 2:
        raise RecipeError("weights of 2 bits have no zero: they are -3, -1, 1, 3", 'set quantize.weight_bits = "ternary", 4 or 8')
    if quantize.engine != "tfmot":
        return
    if method == "weights":
        raise RecipeError('prune.method = "weights" needs an engine that keeps zeros', 'set quantize.engine = "native"')
    if net.net not in WIDTHS:
        raise RecipeError(
            f"a pruned {net.net} has widths that its knobs cannot say, and the tfmot engine builds it anew from them",
            f'set quantize.engine = "native", or choose a student of {" or ".join(WIDTHS)}',
        )
