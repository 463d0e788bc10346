"""Neuron selectivity transfer: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer"."""

from __future__ import annotations

from tinykd.distill.losses.mmd import MMD


class NST(MMD):
    """`mmd` with the polynomial kernel of degree 2, `K(x, y) = (x · y)^2`, the one that reference code has.

    It compares the `[positions, positions]` second moments of the channels: which positions are active together.
    """

    def __init__(self) -> None:
        super().__init__("polynomial")
