"""What the pictures of the page show, against values by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.page.evidence import memory_of
from tinykd.errors import UsageError
from tinykd.report.confusion import Confusion, confusion_of, read_confusion
from tinykd.report.curves import read_curves
from tinykd.report.evidence import open_evidence
from tinykd.report.memory import BankMemory, Memory
from tinykd.report.memory import Piece as KernelPiece
from tinykd.report.page.budget import budget_html, ram_parts
from tinykd.report.page.flash import flash_groups
from tinykd.report.page.ladder import axis, rungs, wilson
from tinykd.report.page.line_chart import Line, line_chart, linear_ticks, log_ticks
from tinykd.report.page.matrix import MOST, matrix_html
from tinykd.report.page.squarify import Rectangle, squarify
from tinykd.report.run import RunReport, open_report
from tinykd.resources import models_folder


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=40).map(lambda areas: sorted(areas, reverse=True)),
    st.floats(0.2, 5.0),
)
def test_a_treemap_fills_its_frame(areas: list[int], ratio: float) -> None:
    frame = Rectangle(0, 0, 100 * ratio, 100)
    boxes = squarify(areas, frame)
    assert len(boxes) == len(areas)
    for area, box in zip(areas, boxes):
        assert box.area == pytest.approx(frame.area * area / sum(areas), rel=1e-6)
        assert -1e-6 <= box.x <= box.x + box.width <= frame.width + 1e-6
        assert -1e-6 <= box.y <= box.y + box.height <= frame.height + 1e-6
    for k, one in enumerate(boxes):
        for other in boxes[k + 1 :]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            along = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert across < 1e-6 or along < 1e-6, "two boxes overlap"


def test_a_treemap_as_in_the_paper() -> None:
    """Figure 5 of the paper: areas 6, 6, 4, 3, 2, 2, 1 in 6 x 4; the first two share a column 3 wide, each 2 high."""
    boxes = squarify([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    assert (boxes[0].width, boxes[0].height) == pytest.approx((3, 2))
    assert (boxes[1].x, boxes[1].y, boxes[1].width, boxes[1].height) == pytest.approx((0, 2, 3, 2))
    # then 4 and 3 in a row above what is left: 7/3 high, 12/7 and 9/7 wide
    assert (boxes[2].x, boxes[2].width, boxes[2].height) == pytest.approx((3, 12 / 7, 7 / 3))
    assert (boxes[3].width, boxes[3].height) == pytest.approx((9 / 7, 7 / 3))


def built(memory: Memory) -> Memory:
    """As an image would be: 512 bytes of weights, and code of which one table belongs to no file."""
    return memory.model_copy(
        update={
            "toolchain": "gcc 12.2",
            "code_bytes": 1000,
            "golden_bytes": 64,
            "data_bytes": 8,
            "bss_bytes": 40,
            "stack_bytes": 300,
            "flash_bytes": memory.weights_bytes + 1000 + 64 + 8,
            "ram_bytes": memory.arena_bytes + 8 + 40 + 300 + 4,
            "kernels": (KernelPiece(name="conv_2d", bytes=700), KernelPiece(name="main", bytes=200)),
        }
    )


def test_flash_and_ram_add_up(tmp_path: Path) -> None:
    memory = built(memory_of(tmp_path))
    groups = {group.kind: group for group in flash_groups(memory)}
    assert sum(group.bytes for group in groups.values()) == memory.flash_bytes
    assert [(p.name, p.bytes) for p in groups["code"].pieces] == [("conv_2d", 700), ("main", 200), ("tables and padding", 100)]
    assert groups["weights"].bytes == memory.weights_bytes
    assert {p.name.split()[1] for p in groups["weights"].pieces} >= {"CONV_2D", "FULLY_CONNECTED"}
    parts = ram_parts(memory)
    assert sum(size for _, _, size in parts) == memory.ram_bytes
    assert ("rest", "alignment", 4) in parts


def test_constants_that_layers_share_count_once(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    layers = tuple(layer.model_copy(update={"weights_bytes": memory.weights_bytes}) for layer in memory.layers)
    (group,) = flash_groups(memory.model_copy(update={"layers": layers}))
    assert group.bytes == memory.weights_bytes
    assert len(group.pieces) == 1


def test_a_bar_is_as_long_as_what_it_says(tmp_path: Path) -> None:
    memory = built(memory_of(tmp_path))
    budget = memory.budget.model_copy(update={"flash_bytes": 2 * memory.flash_bytes, "ram_bytes": memory.ram_bytes // 2})
    shown = budget_html(memory.model_copy(update={"budget": budget}))
    assert f"of {2 * memory.flash_bytes:,} bytes, 50.0 %" in shown
    weights = 100 * memory.weights_bytes / (2 * memory.flash_bytes)
    assert f'<span class="weights" style="width:{weights:.3f}%"' in shown
    # RAM is over: the bar is all that is used, and striped from where the budget ends
    assert f'<i style="left:{100 * (memory.ram_bytes // 2) / memory.ram_bytes:.3f}%"></i>' in shown


def test_each_bank_has_a_bar(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)
    banks = (BankMemory(name="ccm", bytes=100, capacity_bytes=400), BankMemory(name="ram", bytes=76, capacity_bytes=500))
    shown = budget_html(memory.model_copy(update={"banks": banks, "ram_bytes": 76}))
    assert "<strong>ccm</strong> 100 of 400 bytes, 25.0 %" in shown
    assert "arena: 76 B" in shown


def test_wilson_intervals() -> None:
    """Newcombe 1998 (Statistics in Medicine 17, 857), table I, method 3: 81/263, 15/148, 0/20, 1/29."""
    for right, samples, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):
        assert wilson(right / samples, samples) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_axes_begin_below_what_they_show() -> None:
    assert axis(0.9812) == (pytest.approx(0.98), pytest.approx([0.98, 0.985, 0.99, 0.995, 1.0]))
    start, ticks = axis(0.0)
    assert start == 0
    assert ticks == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert linear_ticks(96, 100) == [96, 97, 98, 99, 100]
    assert linear_ticks(0, 100) == [0, 20, 40, 60, 80, 100]
    assert log_ticks(0.015, 1.2) == pytest.approx([0.02, 0.05, 0.1, 0.2, 0.5, 1])
    assert log_ticks(0.0001, 20) == pytest.approx([0.0001, 0.001, 0.01, 0.1, 1, 10])


def test_the_ladder_has_every_form_that_was_measured() -> None:
    report = open_report(models_folder() / "mnist" / "report.json")
    assert report.distillation is not None
    found = rungs(report)
    accuracy = report.distillation.accuracy
    assert [one.accuracy for one in found][:2] == [accuracy.teacher, accuracy.baseline]
    assert accuracy.int8 in [one.accuracy for one in found]
    without = report.distillation.model_copy(update={"accuracy": accuracy.model_copy(update={"baseline": None})})
    assert len(rungs(RunReport(distillation=without))) == len(rungs(RunReport(distillation=report.distillation))) - 1


def test_a_line_goes_through_its_points() -> None:
    svg = line_chart("c", "loss", [Line("a", ((1, 1.0), (3, 0.1)), (3, 0.1)), Line("none", ((1, float("nan")),))], "log", 0.1, 1.0)
    assert 'd="M50.0 12.0L390.0 216.0"' in svg
    assert 'cx="390.0" cy="216.0"' in svg
    assert svg.count('<path class="line') == 1


def test_confusion_by_hand() -> None:
    answers = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.4, 0.0], [0.0, 0.1, 0.9]])
    found = confusion_of(answers, np.array([0, 1, 1, 2]), ("a", "b", "c"))
    assert found.counts == ((1, 0, 0), (1, 1, 0), (0, 0, 1))
    assert (found.samples, found.correct, found.recall(1)) == (4, 3, 0.5)
    assert found.mistakes() == [(1, 1, 0)]
    assert confusion_of(answers, np.array([0, 0, 0, 0]), ()).names == ("0", "1", "2")
    assert confusion_of(answers, np.array([0, 0, 0, 0]), ()).recall(2) is None


def test_too_many_classes_for_a_table_leave_the_mistakes() -> None:
    many = MOST + 1
    counts = [[0] * many for _ in range(many)]
    counts[3][7] = 2
    shown = matrix_html(Confusion(tuple(f"class {k}" for k in range(many)), tuple(map(tuple, counts))))
    assert "<table" not in shown
    assert "<b>class 3</b> taken for <b>class 7</b>: 2 of 2" in shown


def run_folder(folder: Path) -> Path:
    """A run whose answers are those of the shipped report: 9,950 of 10,000 right."""
    source = models_folder() / "mnist" / "report.json"
    report = open_report(source).distillation
    assert report is not None
    (folder / "report.json").write_bytes(source.read_bytes())
    samples = report.samples.test
    labels = np.arange(samples) % 10
    answers = np.eye(10, dtype=np.float32)[labels]
    wrong = samples - round(report.accuracy.int8 * samples)
    answers[:wrong] = np.roll(answers[:wrong], 1, axis=1)
    (folder / "predictions").mkdir()
    np.savez(folder / "predictions" / "int8.npz", validation=answers[:1], test=answers)
    np.save(folder / "test_labels.npy", labels)
    (folder / "logs").mkdir()
    for stage in ("student", "teacher"):
        (folder / "logs" / f"{stage}.csv").write_text(
            "stage,epoch,loss,validation_loss,validation_accuracy,learning_rate,seconds,samples_per_second\n"
            f"{stage},1,2.5,2.0,0.5,0.1,1,1\n{stage},2,1.5,1.0,0.75,0.1,1,1\n{stage},3,1.4,1.1,0.75,0.1,1,1\n"
        )
    return folder


def test_a_run_is_read_whole(tmp_path: Path) -> None:
    found = open_evidence(run_folder(tmp_path))
    assert found.confusion is not None
    assert found.confusion.samples == 10_000
    assert [curve.stage for curve in found.curves] == ["teacher", "student"]
    assert found.curves[0].best.epoch == 3
    assert found.curves[0].epochs[1].validation_loss == 1.0


def test_answers_of_another_model_are_left_out(tmp_path: Path) -> None:
    run = run_folder(tmp_path)
    with np.load(run / "predictions" / "int8.npz") as archive:
        answers = archive["test"]
    np.savez(run / "predictions" / "int8.npz", validation=answers[:1], test=np.roll(answers, 1, axis=1))
    assert open_evidence(run).confusion is None


@pytest.mark.parametrize("name", ["predictions/int8.npz", "test_labels.npy", "logs/student.csv", "manifest.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    run = run_folder(tmp_path)
    (run / name).write_text("epoch\nnothing")
    with pytest.raises(UsageError) as caught:
        open_evidence(run)
    assert str(run) in caught.value.message
    assert caught.value.hint


def test_labels_must_fit_their_answers(tmp_path: Path) -> None:
    run = run_folder(tmp_path)
    np.save(run / "test_labels.npy", np.full(10_000, 10))
    with pytest.raises(UsageError, match="does not belong to"):
        read_confusion(run, ())
    np.save(run / "test_labels.npy", np.zeros(5, np.int64))
    with pytest.raises(UsageError, match="does not belong to"):
        read_confusion(run, ())


def test_a_run_without_training_has_no_curves(tmp_path: Path) -> None:
    assert read_curves(tmp_path) == ()
    assert read_confusion(tmp_path, ()) is None
