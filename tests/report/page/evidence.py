"""Evidence for pages, small and with names that want to be code."""

from __future__ import annotations

from pathlib import Path

from tests.compile.models import conv_then_dense_bytes
from tinykd.deploy.export import export
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export
from tinykd.report.confusion import Confusion
from tinykd.report.curves import Curve, Epoch
from tinykd.report.evidence import Evidence
from tinykd.report.memory import Memory
from tinykd.report.profile import Profile, ProfiledLayer
from tinykd.report.pruning import Accuracies, Change, LayerWidth, Pruning, Splits
from tinykd.report.quantization_error import LayerError, QuantizationError
from tinykd.report.run import RunReport, open_report
from tinykd.report.verification import LayerDifference, Verification
from tinykd.resources import models_folder

EVIL = '"><script>alert("&")</script>'


def memory_of(folder: Path) -> Memory:
    """Of a small model that was exported and not built."""
    (folder / "small <&>.tflite").write_bytes(conv_then_dense_bytes())
    return memory_report(export(open_source(folder / "small <&>.tflite"), Export(target="m4"), folder / "tree"), None)


def proof_of(memory: Memory, **changes: object) -> Verification:
    """A proof of that very model."""
    proof = Verification(
        target="cortex-m4", emulator="qemu 7.2", toolchain="gcc 12.2", samples=200, compared=2000, differences=0, instructions=5000,
        macs=1000, arena_bytes=100, stack_bytes=100, weights_bytes=100, code_bytes=100, flash_bytes=200, ram_bytes=200, model="small",
        model_sha256=memory.model_sha256, rounding="single", optimize="balanced", reference="LiteRT's reference kernels",
        instructions_per_mac=5.0, golden=16, golden_differences=0, layers_compared=2, accuracy=0.985,
    )  # fmt: skip
    return proof.model_copy(update=changes)


def profile_of(memory: Memory) -> Profile:
    """A chain of two layers."""

    def layer(index: int, instructions: int, floor: int, name: str, members: tuple[ProfiledLayer, ...] = ()) -> ProfiledLayer:
        return ProfiledLayer(
            index=index, operator="chain" if members else "CONV_2D", name=name, kernel="tinykd_conv_2d_s8", shape="[1, 2] -> [1, 2]",
            macs=500, outputs=10, instructions=instructions, instructions_per_mac=instructions / 500, share=instructions / 5000,
            floor=floor, members=members,
        )  # fmt: skip

    members = (layer(0, 4000, 2000, EVIL), layer(1, 900, 600, "dense"))
    return Profile(
        model="small", model_sha256=memory.model_sha256, target="cortex-m4", emulator="qemu 7.2", toolchain="gcc 12.2", optimize="balanced",
        rounding="single", instructions=5000, macs=1000, instructions_per_mac=5.0, floor=2600, exact=True,
        layers=(layer(0, 4900, 2600, "both", members),),
    )  # fmt: skip


def difference() -> LayerDifference:
    """What a wrong kernel leaves."""
    return LayerDifference(
        index=1,
        operator="FULLY_CONNECTED",
        name=EVIL,
        differences=3,
        elements=2000,
        first_sample=7,
        first_element=2,
        expected=5,
        computed=6,
    )


def pruning() -> Pruning:
    """One layer lost half of its channels."""
    splits = Splits(test=0.9, validation=0.9)
    size = Change(before=100, after=60)
    return Pruning(
        method="channels", importance="l1", ranking="global", layers=(LayerWidth(layer=EVIL, before=8, after=4),), zeros=None,
        parameters=size, macs=size, flash=size, accuracy=Accuracies(student=splits, cut=splits, pruned=splits),
    )  # fmt: skip


def quantization_error() -> QuantizationError:
    """Of one layer."""
    layer = LayerError(layer=EVIL, sqnr=20.0, own_sqnr=25.0, weights_sqnr=27.0, values_sqnr=29.0, clipped=0.0, channel_spread=1.5)
    return QuantizationError(engine="native", method="qat", samples=100, layers=(layer,))


def whole(folder: Path) -> Evidence:
    """Every section, with code where names belong."""
    memory = memory_of(folder)
    shipped = open_report(models_folder() / "mnist" / "report.json").distillation
    assert shipped is not None
    hashes = {**shipped.hashes, "int8": memory.model_sha256}
    trained = shipped.model_copy(update={"recipe": EVIL, "command": f"tinykd distill {EVIL}", "hashes": hashes})
    curve = Curve("student", tuple(Epoch(k, 2.0 / k, 1.0 / k, 1 - 0.5 / k) for k in range(1, 21)))
    other = Curve(EVIL, tuple(Epoch(k, 3.0 / k, float("nan"), 1 - 0.7 / k) for k in range(1, 6)))
    return Evidence(
        report=RunReport(
            distillation=trained,
            pruning=pruning(),
            quantization_error=quantization_error(),
            memory=memory,
            verification=proof_of(memory),
            profile=profile_of(memory),
        ),
        confusion=Confusion((EVIL, "cat", "dog"), ((8, 2, 0), (0, 10, 0), (1, 0, 0))),
        curves=(curve, other),
        recipe=f'name = "{EVIL}"',
    )
