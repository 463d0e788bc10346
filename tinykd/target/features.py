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


def features(target: Target) -> tuple[str, ...]:
    """What kernels may use on `target`."""
    return FEATURES.get(target.core.name, ())
