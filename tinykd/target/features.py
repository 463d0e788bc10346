"""What cores can do that kernels make use of."""

from __future__ import annotations

from tinykd.target.targets import Target

FEATURES: dict[str, tuple[str, ...]] = {
    "cortex-m0plus": ("blocked", "software_float"),
    "cortex-m3": ("blocked", "software_float"),
    "cortex-m4": ("dsp", "blocked"),
    "cortex-m7": ("dsp", "blocked"),
    "cortex-m33": ("dsp", "blocked"),
    "cortex-m55": ("mve", "dsp", "blocked"),
    "rv32imac": ("blocked", "software_float"),
    "rv32imc": ("blocked", "software_float"),
}
"""By core; cores that are not listed run the portable kernels."""


SMALL: dict[str, tuple[str, ...]] = {
    "cortex-m4": ("small_dsp",),
    "cortex-m7": ("small_dsp",),
    "cortex-m33": ("small_dsp",),
    "cortex-m55": ("small_mve", "mve"),
}
"""The same where flash counts: one kernel an operator, and small tables. Other cores have no larger ones."""


def features(target: Target, optimize: str = "speed") -> tuple[str, ...]:
    """What kernels may use on `target`.

    Args:
        optimize: `size` prefers those that take little flash.
    """
    every = FEATURES.get(target.core.name, ())
    return SMALL.get(target.core.name, every) if optimize == "size" else every
