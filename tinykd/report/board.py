"""What a board answered: who it is, how long it took, what the line cost."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section


class Ticks(Section):
    """Of the core's clock, for one inference."""

    mean: float
    least: int
    most: int


class BoardAnswer(Section):
    """A board that was verified over a serial port."""

    port: str
    baud: int
    firmware: str = Field(description="the version that wrote it")
    model: str
    model_sha256: str = Field(description="as the board says")
    constants_crc32: str = Field(description="of the model's constants, as the board found them in its memory when it started")
    clock_hz: int | None = Field(description="of the core; None if the firmware does not know")
    ticks: Ticks | None = Field(description="of the core's clock, one inference")
    stack_high_water_bytes: int | None = Field(description="deepest use of the stack")
    retries: int = Field(description="requests sent again because a frame was damaged on its way, or the board started again")
    restarts: int = Field(description="times that the board started again")
    skipped_bytes: int = Field(description="bytes received that were no part of an intact frame")

    @property
    def milliseconds(self) -> float | None:
        """Of one inference, the mean; None where ticks or clock are not known."""
        return 1e3 * self.ticks.mean / self.clock_hz if self.ticks is not None and self.clock_hz else None

    @property
    def mhz(self) -> str:
        return f"{(self.clock_hz or 0) / 1e6:g} MHz"


def board_text(answer: BoardAnswer) -> str:
    """The answer as lines of plain text, indented by two."""
    lines = [
        f"  the board runs model {answer.model} {answer.model_sha256[:16]}… by {answer.firmware}, constants intact "
        f"(CRC-32 {answer.constants_crc32}), at {answer.port}, {answer.baud} baud"
    ]
    if answer.ticks is not None and answer.ticks.most:
        time = "" if answer.milliseconds is None else f" ({answer.milliseconds:.3f} ms at {answer.mhz})"
        lines.append(
            f"  {round(answer.ticks.mean):,} clock cycles per inference{time}, from {answer.ticks.least:,} to {answer.ticks.most:,}"
        )
    if answer.stack_high_water_bytes is not None:
        lines.append(f"  the stack reached {answer.stack_high_water_bytes:,} bytes")
    if answer.retries or answer.skipped_bytes:
        lines.append(
            f"  the line: {answer.retries} requests sent again, {answer.restarts} restarts of the board, "
            f"{answer.skipped_bytes} bytes skipped"
        )
    return "\n".join(lines)
