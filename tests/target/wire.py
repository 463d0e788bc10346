"""A machine of QEMU at a serial line of TCP, through a wire that a test can cut, pollute and listen to."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tinykd.target.emulator.qemu import find_qemu
from tinykd.target.targets import find_target

Meddle = Callable[[bytes], bytes]
"""What a wire does to a piece of bytes."""


def faithfully(piece: bytes) -> bytes:
    return piece


class Wire:
    """A wire between a board, which is a client of `board_end`, and a host, a client of `host_end`. One host at a time.

    Attributes:
        to_board, to_host: what becomes of bytes in each direction; may be changed at any time.
        carried: what has arrived at the board.
    """

    def __init__(self) -> None:
        self.board_end, self.host_end = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
        self.to_board: Meddle = faithfully
        self.to_host: Meddle = faithfully
        self.carried = bytearray()
        self._board: socket.socket | None = None
        self._host: socket.socket | None = None
        self._plugged = threading.Event()

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.host_end.getsockname()[1]}"

    @property
    def board_port(self) -> int:
        return int(self.board_end.getsockname()[1])

    def serve(self) -> None:
        for work in (self._serve_board, self._serve_host):
            threading.Thread(target=work, daemon=True).start()

    def unplug(self) -> None:
        """The host loses its end."""
        if self._host is not None:
            self._host.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in (self._board, self._host, self.board_end, self.host_end):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()

    def _serve_board(self) -> None:
        with contextlib.suppress(OSError):
            self._board, _ = self.board_end.accept()
            self._plugged.set()
            while piece := self._board.recv(4096):
                if self._host is not None:
                    with contextlib.suppress(OSError):
                        self._host.sendall(self.to_host(piece))

    def _serve_host(self) -> None:
        while True:
            try:
                self._host, _ = self.host_end.accept()
            except OSError:
                return
            self._plugged.wait(30)
            with contextlib.suppress(OSError):
                while piece := self._host.recv(4096):
                    arriving = self.to_board(piece)
                    self.carried += arriving
                    assert self._board is not None
                    self._board.sendall(arriving)


class Machine:
    """A running QEMU."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def reset(self) -> None:
        """Press the reset button."""
        assert self._process.stdin is not None
        self._process.stdin.write("system_reset\n")
        self._process.stdin.flush()


@contextmanager
def plugged_in(elf: Path, board: str) -> Iterator[tuple[Wire, Machine]]:
    """The image on the board's machine, its serial line at a wire."""
    wire = Wire()
    wire.serve()
    with running(elf, board, f"tcp:127.0.0.1:{wire.board_port}") as process:
        try:
            yield wire, Machine(process)
        finally:
            wire.close()


@contextmanager
def running(elf: Path, board: str, serial: str) -> Iterator[subprocess.Popen[str]]:
    """The image on the board's machine, its serial line as QEMU's `-serial` says."""
    device = find_target(board).device
    assert device is not None
    assert device.qemu is not None
    found = find_qemu(device.qemu.program)
    assert found is not None
    others = ["-serial", "null"] * device.qemu.serial
    command = [found.executable, "-M", device.qemu.machine, "-kernel", str(elf), "-display", "none", "-monitor", "stdio", *others]
    process = subprocess.Popen(
        [*command, "-serial", serial], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
