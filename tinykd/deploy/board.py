"""A board at a serial port: that it runs this very export, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tinykd.compile.emit.constants_check import constants_crc32
from tinykd.compile.emit.names import Names
from tinykd.compile.emit.tables import collect
from tinykd.deploy.export import Exported
from tinykd.deploy.runs import Ran
from tinykd.errors import IntegersDiffer, UsageError
from tinykd.report.board import BoardAnswer, Ticks
from tinykd.target.board_session import BoardSession, Patience
from tinykd.target.identity import Identity
from tinykd.target.serial_line import SerialLine

BAUD = 115_200
"""Where neither the command line nor the board's profile says otherwise."""


@dataclass(frozen=True)
class Connected:
    """A board that has said who it is."""

    port: str
    baud: int
    identity: Identity
    session: BoardSession

    def answer(self, ran: Ran) -> BoardAnswer:
        """The board's part of the proof."""
        who, tally = self.identity, self.session.tally
        return BoardAnswer(
            port=self.port,
            baud=self.baud,
            firmware=f"tinykd {who.version}",
            model=who.model,
            model_sha256=who.model_sha256,
            constants_crc32=f"{who.constants_crc_found:08x}",
            clock_hz=who.clock_hz,
            ticks=Ticks(mean=sum(ran.ticks) / len(ran.ticks), least=min(ran.ticks), most=max(ran.ticks)) if ran.ticks else None,
            stack_high_water_bytes=ran.stack_high_water,
            retries=tally.retries,
            restarts=tally.restarts,
            skipped_bytes=tally.skipped,
        )


@contextmanager
def connect(exported: Exported, port: str, baud: int | None, timeout_s: float) -> Iterator[Connected]:
    """Open the port, and see that the board behind it runs this export with its constants intact, before anything is fed to it.

    Args:
        baud: the board's console, or 115200, by default.
        timeout_s: how long an answer may take.

    Raises:
        ToolError: no port, no board, or no firmware of tinykd's.
        UsageError: the board runs another model or another export.
        IntegersDiffer: its constants are damaged.
    """
    device = exported.target.device
    console = device.console if device else None
    rate = baud or (console.baud if console else BAUD)
    patience = Patience(answer_s=timeout_s, hello_s=timeout_s)
    line = SerialLine(port, rate)
    try:
        session = BoardSession(line, patience)
        identity = session.connect()
        check_identity(exported, identity)
        yield Connected(port, rate, identity, session)
    finally:
        line.close()


def check_identity(exported: Exported, identity: Identity) -> None:
    """Raise unless a firmware that says this of itself is that of the export, with its constants intact."""
    graph = exported.source.graph
    flash = "build, flash it, and try again"
    if identity.model_sha256 != graph.model_sha256:
        raise UsageError(
            f"the board runs model {identity.model!r} ({identity.model_sha256[:12]}…), not {graph.name!r} ({graph.model_sha256[:12]}…)",
            flash,
        )
    constants = collect(exported.program, Names(exported.program.graph.name), exported.plan.schedule)
    if identity.constants_crc != constants_crc32(constants):
        raise UsageError(
            f"the board runs another export of {graph.name!r}: its constants had CRC-32 {identity.constants_crc:08x} at export, "
            f"those of {exported.folder} have {constants_crc32(constants):08x}",
            f"{flash}; or give the board, --rounding, --optimize and so on with which it was exported",
        )
    if not identity.intact:
        raise IntegersDiffer(
            f"the weights in the board's flash are damaged: CRC-32 {identity.constants_crc_found:08x}, not {identity.constants_crc:08x}",
            "flash it again; if that does not help, the flash is worn out or the file was damaged",
        )
