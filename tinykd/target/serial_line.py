"""A serial port, by pyserial: a device's name, or a URL that pyserial knows, such as `socket://host:port`."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from tinykd.errors import ToolError, UsageError

INSTALL = "pip install 'tinykd[serial]'"
_POLL_S = 0.02
_WRITE_S = 30.0


class SerialLine:
    """An open port: 8 data bits, no parity, one stop bit.

    Raises:
        UsageError: the name, the URL or the baud rate is none.
        ToolError: pyserial is missing, or the port cannot be opened. So do all methods when the port is gone.
    """

    def __init__(self, port: str, baud: int) -> None:
        try:
            import serial
        except ModuleNotFoundError as error:
            raise ToolError("serial ports need pyserial, which is not installed", f"install it: {INSTALL}") from error
        self.port = port
        try:
            self._serial: Any = serial.serial_for_url(port, baud, timeout=_POLL_S, write_timeout=_WRITE_S, exclusive=True)
        except ValueError as error:
            hint = "give a device such as /dev/ttyACM0 or COM3, or socket://host:port"
            raise UsageError(f"{port} at {baud} baud: {error}", hint) from error
        except OSError as error:  # serial.SerialException is one
            raise ToolError(f"cannot open {port}: {_reason(error)}", _what_to_do(error)) from error

    def send(self, data: bytes) -> None:
        """Write all of `data`."""
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._gone(error) from error

    def receive(self) -> bytes:
        """What has come, waiting a fiftieth of a second for the first byte; empty if nothing has."""
        try:
            piece = bytes(self._serial.read(1))
            while piece and (waiting := self._serial.in_waiting):
                piece += self._serial.read(waiting)
        except OSError as error:
            raise self._gone(error) from error
        return piece

    def close(self) -> None:
        self._serial.close()

    def _gone(self, error: OSError) -> ToolError:
        return ToolError(f"{self.port} is gone: {_reason(error)}", "plug the board in again and start over: nothing was recorded")


def _reason(error: OSError) -> str:
    """In the system's words: pyserial packs them into its own."""
    inner = error.__context__ if isinstance(error.__context__, OSError) else error
    return os.strerror(inner.errno) if inner.errno else str(error)


def _what_to_do(error: OSError) -> str:
    text = str(error)
    if error.errno == errno.EACCES or "PermissionError" in text:
        join = "" if sys.platform == "win32" else "you may not: sudo usermod -aG dialout $USER, then log in again; or "
        return f"{join}another program, such as a serial monitor, has it open: close it"
    if "lock" in text or error.errno == errno.EBUSY:
        return "another program, such as a serial monitor, has it open: close it"
    from serial.tools.list_ports import comports

    found = ", ".join(sorted(one.device for one in comports()))
    return f"ports here: {found}" if found else "no serial port was found: is the board plugged in, by a cable that carries data?"
