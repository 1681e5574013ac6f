#!/bin/sh
# Filters CSV that pandas, DuckDB and Polars wrote in several dialects: see dialects.py.
# Usage: run.sh [FILES [SEED]]. It makes its own virtual environment under bench/ (ignored by git), once.
set -eu
cd "$(dirname "$0")/../../../.."
requirements=formats/parquet/testdata/interop/requirements.txt
venv=bench/interop-venv
if ! cmp -s $requirements $venv/requirements.txt; then
	rm -rf $venv
	python3 -m venv $venv
	$venv/bin/pip install --quiet --disable-pip-version-check -r $requirements
	cp $requirements $venv/requirements.txt
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
CGO_ENABLED=0 go build -o "$work/noo" ./cmd/noo
$venv/bin/python formats/csv/testdata/interop/dialects.py "$work/noo" "$work" "${1:-60}" "${2:-1}"
