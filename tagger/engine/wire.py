"""Messages between a pool and its processes, each whole or not there at all."""

from __future__ import annotations

import socket
import struct
from typing import Final

__all__ = ["READY", "RESULT", "SPENT", "TASK", "Wire"]

READY: Final = 1
"""A process has started."""
TASK: Final = 2
"""What to do."""
RESULT: Final = 3
"""What came of it."""
SPENT: Final = 4
"""What came of it, by a process that had better be replaced."""

_HEADER: Final = struct.Struct("!BQ")
_CHUNK: Final = 1 << 16


class Wire:
    """One end of a connection.

    A process can be stopped or killed amid a message. So the pool takes what is there, and
    never waits for the rest of one.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._received = bytearray()

    def close(self) -> None:
        """Let go of the socket; who listens at its other end sees that."""
        self._end.close()

    def send(self, kind: int, data: bytes) -> None:
        """Send one message.

        Raises:
            OSError: the other end is gone, or does not read.
        """
        self._end.sendall(_HEADER.pack(kind, len(data)) + data)

    def take(self) -> tuple[int, bytes] | None:
        """Receive once, and return the message if that completed it.

        Raises:
            EOFError: the other end is closed.
            OSError: the other end is gone.
        """
        chunk = self._end.recv(_CHUNK)
        if not chunk:
            raise EOFError
        self._received += chunk
        if len(self._received) < _HEADER.size:
            return None
        kind, length = _HEADER.unpack_from(self._received)
        end = _HEADER.size + length
        if len(self._received) < end:
            return None
        data = bytes(memoryview(self._received)[_HEADER.size : end])
        # Each end answers one message with one; there is nothing behind it.
        self._received = bytearray()
        return kind, data

    def receive(self) -> tuple[int, bytes]:
        """Wait for a whole message.

        Raises:
            EOFError: the other end is closed.
            OSError: the other end is gone.
        """
        while True:
            message = self.take()
            if message is not None:
                return message
