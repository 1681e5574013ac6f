"""The program noo that does the work: where it is, a running one, and its end."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from ._pipe import unbuffered
from ._settings import NOT_FOR_TABLES
from .errors import InputError, NooError, ProgramError, UsageError, of_exit_code

_NAME = "noo.exe" if sys.platform == "win32" else "noo"
_VARIABLE = "NOO_PROGRAM"

T = TypeVar("T")


def path() -> str:
    """Return the path of noo: NOO_PROGRAM, else that in this package, else the one in PATH.

    Raises ProgramError if there is none.
    """
    named = os.environ.get(_VARIABLE)
    if named:
        return named
    within = Path(__file__).parent / "bin" / _NAME
    if within.is_file():
        return str(within)
    found = shutil.which(_NAME)
    if found:
        return found
    raise ProgramError("noo is not installed: install a wheel of noo-filter, or set NOO_PROGRAM")


def failure(exit_code: int, errors: str) -> NooError:
    """Return the error of a noo that did not end with 0, from what it wrote to standard error.

    noo prints its error last, in one line that starts with "noo: ". Anything else is not from noo,
    and its text may hold anything: the error does not show it.
    """
    if exit_code < 0:
        return ProgramError(f"noo was killed by signal {-exit_code}; use none of its results")
    lines = [line for line in errors.splitlines() if line.startswith("noo: ")]
    message = lines[-1].removeprefix("noo: ") if lines else f"noo ended with exit code {exit_code}"
    return of_exit_code(exit_code, message)


def without_values(what: str, call: Callable[[], T], kind: type[NooError] = InputError) -> T:
    """Return what call returns. If it raises, raise an error with the text what and no other.

    Errors of pyarrow, pandas, Polars and DuckDB quote values of the data. So the error that they
    raise is neither the cause nor the context of the one that this function raises.
    """
    try:
        return call()
    except NooError:
        raise
    except Exception as error:
        raised = type(error).__name__
    raise kind(f"{what} ({raised})")


class Running:
    """A running noo that reads a stream from standard input and writes one to standard output.

    A Running is for one thread. Use it in a with statement: on an error, the end of the statement
    kills noo.
    """

    def __init__(self, arguments: list[str], without: Iterable[str] = ()) -> None:
        """Start noo with arguments, and without some variables of the environment."""
        leave_out = NOT_FOR_TABLES | {_VARIABLE} | set(without)
        environment = {k: v for k, v in os.environ.items() if k.upper() not in leave_out}
        # A file takes what noo says: nobody has to read it while the streams go to and fro.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._ended: NooError | None = None
        failed: NooError | None = None
        try:
            program = path()
            with _changing:
                self.process = subprocess.Popen(
                    [program, *arguments],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env=environment,
                )
                self.input, self.output = _pipes(self.process)
                _running.add(self)
        except OSError as error:
            failed = ProgramError(f"noo could not be run: {error.strerror}")
        except ValueError:  # A text with a NUL.
            failed = UsageError("a setting holds a character that no name or path can hold")
        except BaseException:
            self._errors.close()
            raise
        if failed is not None:
            self._errors.close()
            raise failed

    def close_input(self) -> None:
        """End the standard input of noo. Raises OSError if noo does not read it any more."""
        self.input.flush()
        with _changing:
            self.input.close()

    def end(self) -> NooError | None:
        """Wait for the end of noo, and return its error, or None if it ended well.

        It closes both streams first, so that noo ends though somebody stopped in their middle.
        """
        if self._errors.closed:
            return self._ended
        self._close_streams()
        exit_code = self.process.wait()
        if exit_code != 0:
            self._errors.seek(0)
            self._ended = failure(exit_code, self._errors.read().decode(errors="replace"))
        self._forget()
        return self._ended

    def kill(self) -> None:
        """End noo at once. It may have ended already."""
        if self._errors.closed:
            return
        self.process.kill()
        self._close_streams()
        self.process.wait()
        self._ended = ProgramError("noo was killed")
        self._forget()

    def _close_streams(self) -> None:
        # First the output: then a noo that waits to write ends, and so does a wait to flush.
        with _changing:
            for pipe in (self.output, self.input):
                with contextlib.suppress(OSError):  # A flush of what nobody reads any more.
                    pipe.close()

    def _forget(self) -> None:
        with _changing:
            _running.discard(self)
        self._errors.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[io.BufferedWriter, io.BufferedReader]:
    assert isinstance(process.stdin, io.FileIO)
    assert isinstance(process.stdout, io.FileIO)
    to, back = unbuffered(process.stdin), unbuffered(process.stdout)
    return io.BufferedWriter(to), io.BufferedReader(back)


# All that run in this process, and a lock over the set and over what opens and closes their pipes.
_running: set[Running] = set()
_changing = threading.Lock()


def _let_go() -> None:
    """Take the pipes of running noos out of the hands of a process that was forked.

    noo waits for the end of its input. If a child of another thread held the pipe too, this end
    would come only with the end of the child. The pipes become the null device: a child may still
    flush what its copies hold, and it must not reach noo or any other file.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for running in _running:
        for pipe in (running.input, running.output):
            if not pipe.closed:
                os.dup2(null, pipe.fileno(), inheritable=False)
    _running.clear()
    os.close(null)
    _changing.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_changing.acquire, after_in_parent=_changing.release, after_in_child=_let_go
    )
