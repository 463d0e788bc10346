"""What the weights take in flash, layer by layer, and what is in them: bytes that are stored, beside information that is not claimed."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section

SPARSE = 0.25
"""Fraction of zeros from which they are worth a word."""


class LayerWeights(Section):
    """The weights of one operator."""

    layer: str = Field(description="result of the operator")
    kind: str
    weights: int
    dtype: str = Field(description="int8, or int4: two to a byte")
    levels: int = Field(description="different integers among them")
    zeros: float = Field(description="fraction that is zero")
    stored_bytes: int = Field(description="in flash")
    entropy_bytes: int = Field(description="least that a code of single weights could take; not stored so")
    compressed_bytes: int = Field(description="of the stored bytes under deflate; not stored so")


class WeightStorage(Section):
    """The section `weights` of report.json, written by `tinykd distill`."""

    layers: tuple[LayerWeights, ...]
    bias_bytes: int = Field(description="biases, in flash whatever the weights' bits; multipliers and shifts come on top")


def weight_storage_text(section: WeightStorage) -> str:
    """Nothing for plain int8 weights; else a line a layer, sums, and what is not smaller."""
    layers = section.layers
    packed = [one for one in layers if one.dtype == "int4"]
    clustered = [one for one in layers if one.dtype == "int8" and one.levels <= 4 < one.weights]
    zeros = sum(one.zeros * one.weights for one in layers) / max(1, sum(one.weights for one in layers))
    if not packed and not clustered and zeros < SPARSE:
        return ""
    lines = [f"{'weights':<34}{'count':>9}{'dtype':>7}{'levels':>8}{'zeros':>8}{'flash':>9}{'entropy':>9}{'deflate':>9}"]
    for one in layers:
        lines.append(
            f"{one.layer:<34}{one.weights:>9,}{one.dtype:>7}{one.levels:>8}{100 * one.zeros:>6.0f} %"
            f"{one.stored_bytes:>9,}{one.entropy_bytes:>9,}{one.compressed_bytes:>9,}"
        )
    stored, entropy, compressed = (
        sum(getattr(one, name) for one in layers) for name in ("stored_bytes", "entropy_bytes", "compressed_bytes")
    )
    count = sum(one.weights for one in layers)
    lines.append(f"{'all':<34}{count:>9,}{'':>7}{'':>8}{100 * zeros:>6.0f} %{stored:>9,}{entropy:>9,}{compressed:>9,}")
    if packed:
        lines.append(
            f"int4: {sum(one.weights for one in packed):,} weights in {sum(one.stored_bytes for one in packed):,} bytes. Not halved: other "
            f"layers' weights, {section.bias_bytes:,} bytes of biases, multipliers and shifts, code (int4 kernels beside int8 ones), RAM"
        )
    if clustered or zeros >= SPARSE:
        lines.append(
            "flash holds what is stored, a byte an int8 weight; entropy and deflate say what is in it, nothing here unpacks either"
        )
    return "\n".join(lines) + "\n"
