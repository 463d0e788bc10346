"""What cores can do that kernels make use of."""

from __future__ import annotations

from tinykd.target.targets import Target

FEATURES: dict[str, tuple[str, ...]] = {
    "cortex-m4": ("dsp",),
    "cortex-m7": ("dsp",),
    "cortex-m33": ("dsp",),
    "cortex-m55": ("dsp",),
}
"""By core; cores that are not listed run the portable kernels."""


def features(target: Target) -> tuple[str, ...]:
    """What kernels may use on `target`."""
    return FEATURES.get(target.core.name, ())
