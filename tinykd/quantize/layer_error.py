"""What quantization does to one layer, whichever engine measured it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LayerError:
    """One kernel of the integer model.

    Attributes:
        layer: The student's layer that it ends with.
        sqnr: dB, everything before it rounded too.
        own_sqnr: dB, given unrounded inputs.
        weights_sqnr: dB, of its kernel's rounding alone; None without a kernel.
        values_sqnr: dB, of its values' rounding alone.
        clipped: Fraction of values outside the range.
        weight_bits: Of its weights (ternary: 1.58); None without a kernel.
        channel_spread: Largest over median channel, by their largest magnitude; what one range for all channels has to bridge.
    """

    layer: str
    sqnr: float
    own_sqnr: float
    weights_sqnr: float | None
    values_sqnr: float
    clipped: float
    channel_spread: float
    weight_bits: float | None = None

    def values(self) -> dict[str, Any]:
        """For JSON, rounded to what means something."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}
