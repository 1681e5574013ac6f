#!/bin/sh
# Filters files that other programs wrote, and has other programs read the result: see interop.py. Then it holds noo against
# tables that their own writers made: see tables.py.
# Usage: run.sh [FILES [SEED]]. It makes its own virtual environments under bench/ (ignored by git), once.
set -eu
cd "$(dirname "$0")/../../../.."
here=formats/parquet/testdata/interop

venv=bench/interop-venv
tables=bench/tables-venv # older versions, which the writers of tables depend on
testdata/venv.sh $venv $here/requirements.txt
testdata/venv.sh $tables $here/requirements-tables.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
$venv/bin/python $here/interop.py generate "$work" "${1:-80}" "${2:-1}"
NOO_INTEROP="$work" go test -count=1 -run '^TestInterop$' ./formats/parquet
$venv/bin/python $here/interop.py verify "$work"

mkdir "$work/tables"
CGO_ENABLED=0 go build -o "$work/noo" ./cmd/noo
$tables/bin/python $here/tables.py "$work/tables" "$work/noo"

mkdir "$work/arrow"
$venv/bin/python formats/arrow/testdata/interop/interop.py "$work/arrow" "$work/noo" "${1:-80}" "${2:-1}"
