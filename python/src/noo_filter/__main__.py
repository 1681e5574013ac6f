"""python -m noo_filter runs the program noo of this package, with the arguments behind it."""

import os
import subprocess
import sys

from . import _program

if __name__ == "__main__":
    command = [_program.path(), *sys.argv[1:]]
    if sys.platform == "win32":  # Where the new program would run beside the waiting shell.
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)
