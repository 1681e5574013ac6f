#!/bin/sh
# Filters CSV that pandas, DuckDB and Polars wrote in several dialects: see dialects.py.
# Usage: run.sh [FILES [SEED]]. It makes its own virtual environment under bench/ (ignored by git), once.
set -eu
cd "$(dirname "$0")/../../../.."
venv=bench/interop-venv
testdata/venv.sh $venv formats/parquet/testdata/interop/requirements.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
CGO_ENABLED=0 go build -o "$work/noo" ./cmd/noo
$venv/bin/python formats/csv/testdata/interop/dialects.py "$work/noo" "$work" "${1:-60}" "${2:-1}"
