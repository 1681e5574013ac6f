"""The pipes to and from noo, on which a wait ends with ^C.

Polars sets a signal handler after which the kernel goes on with a read or a write that ^C should
end. So these pipes wait in short steps, and Python looks for signals between two of them. Windows
has no such wait, and there ^C goes to noo too: its end closes the pipes.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any

if sys.platform == "win32":

    def unbuffered(pipe: io.FileIO) -> io.RawIOBase:
        """Return a pipe as it is."""
        return pipe

else:
    import select

    _STEP = 200  # Milliseconds.

    def unbuffered(pipe: io.FileIO) -> io.RawIOBase:
        """Return a pipe whose waits end with ^C, and which closes pipe."""
        return _Pipe(pipe)

    class _Pipe(io.RawIOBase):
        def __init__(self, pipe: io.FileIO) -> None:
            self._pipe = pipe
            # Only this end: the other end is another open file.
            os.set_blocking(pipe.fileno(), False)
            self._ready = select.poll()
            self._ready.register(
                pipe.fileno(), select.POLLOUT if pipe.writable() else select.POLLIN
            )

        def readinto(self, buffer: Any) -> int:
            while (count := self._pipe.readinto(buffer)) is None:
                self._ready.poll(_STEP)
            return count

        def write(self, data: Any) -> int:
            while (count := self._pipe.write(data)) is None:
                self._ready.poll(_STEP)
            return count

        def readable(self) -> bool:
            return self._pipe.readable()

        def writable(self) -> bool:
            return self._pipe.writable()

        def fileno(self) -> int:
            return self._pipe.fileno()

        def close(self) -> None:
            try:
                super().close()
            finally:
                self._pipe.close()
