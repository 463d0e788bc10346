"""What quantization does to each layer, which layers suffer most, and what to do about them."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section

#: Layers shown, worst first, and what is no reason to worry, dB.
SHOWN = 5
FINE = 30.0

#: Beyond this one channel alone sets the range of all.
WIDE_SPREAD = 8.0
MUCH_CLIPPED = 0.001


class LayerError(Section):
    """One kernel of the integer model; signal to quantization noise is `10 log10(sum y^2 / sum (y - y')^2)` over a layer's values."""

    layer: str = Field(description="the student's layer that the kernel ends with")
    sqnr: float = Field(description="dB, everything before it rounded too")
    own_sqnr: float = Field(description="dB, given unrounded inputs: the layer's own doing")
    weights_sqnr: float | None = Field(description="dB, its weights rounded only; null without weights")
    values_sqnr: float = Field(description="dB, its values rounded only")
    clipped: float = Field(description="fraction of its values outside the range")
    channel_spread: float = Field(description="largest over median channel, by their largest magnitude")
    weight_bits: float | None = Field(default=None, description="of its weights (ternary: 1.58); null without weights")


class QuantizationError(Section):
    """The section `quantization_error` of report.json, written by `tinykd distill` with the native engine."""

    engine: str
    method: str
    samples: int = Field(description="of the validation split")
    layers: tuple[LayerError, ...] = Field(description="in order of the forward pass")


def worst(section: QuantizationError) -> tuple[LayerError, ...]:
    """Layers by their own signal to noise, least first, at most `SHOWN`."""
    return tuple(sorted(section.layers, key=lambda one: one.own_sqnr)[:SHOWN])


def advice(layer: LayerError) -> str:
    """What to do about a layer."""
    if layer.own_sqnr >= FINE:
        return "fine"
    if layer.clipped > MUCH_CLIPPED:
        return f'{100 * layer.clipped:.2g} % clipped: calibration = "min-max", more calibration_samples'
    if layer.weights_sqnr is not None and layer.weights_sqnr < layer.values_sqnr:
        if layer.weight_bits is not None and layer.weight_bits < 8:
            return f"weights of {layer.weight_bits:g} bits: name it in quantize.eight_bits, or train longer"
        return 'weights: ranges = "learned", or more filters'
    if layer.channel_spread > WIDE_SPREAD:
        return f'one channel {layer.channel_spread:.0f} times the median: equalize = "cross-layer", or batch norm behind it'
    return 'values: calibration = "mse", ranges = "learned"'


def quantization_error_text(section: QuantizationError) -> str:
    """The worst layers, one a line, with what to do; the output's signal to noise."""
    if not section.layers:
        return ""
    output = section.layers[-1]
    lines = [
        f"quantization error ({section.engine}, {section.method}; signal to noise on {section.samples} validation samples): "
        f"output {output.sqnr:.1f} dB",
        f"{'worst layers':<34}{'own, dB':>9}{'weights':>9}{'values':>9}{'whole':>9}{'bits':>6}  what to do",
    ]
    for one in worst(section):
        bits = "-" if one.weight_bits is None else f"{one.weight_bits:g}"
        weights = "-" if one.weights_sqnr is None else f"{one.weights_sqnr:.1f}"
        lines.append(f"{one.layer:<34}{one.own_sqnr:>9.1f}{weights:>9}{one.values_sqnr:>9.1f}{one.sqnr:>9.1f}{bits:>6}  {advice(one)}")
    kinds = sorted({one.weight_bits for one in section.layers if one.weight_bits is not None}, reverse=True)
    if len(kinds) > 1:
        for kind in kinds:
            names = ", ".join(one.layer for one in section.layers if one.weight_bits == kind)
            lines.append(f"weights of {kind:g} bits: {names}")
    return "\n".join(lines) + "\n"
