#!/bin/sh
# Makes a virtual environment of Python for tests that hold noo against programs of others, unless it
# has these requirements already.
# Usage: testdata/venv.sh VENV REQUIREMENTS [COMMAND], where COMMAND runs after an install, in a shell
# whose PATH starts with the environment's programs.
set -eu
venv=$1
requirements=$2
if cmp -s "$requirements" "$venv/requirements.txt"; then
	exit 0
fi
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
if [ $# -gt 2 ]; then
	PATH="$PWD/$venv/bin:$PATH" sh -euc "$3"
fi
cp "$requirements" "$venv/requirements.txt"
