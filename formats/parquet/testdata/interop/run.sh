#!/bin/sh
# Filters files that other programs wrote, and has other programs read the result: see interop.py.
# Usage: run.sh [FILES [SEED]]. It makes its own virtual environment under bench/ (ignored by git), once.
set -eu
cd "$(dirname "$0")/../../../.."
here=formats/parquet/testdata/interop
venv=bench/interop-venv
if ! cmp -s $here/requirements.txt $venv/requirements.txt; then
	rm -rf $venv
	python3 -m venv $venv
	$venv/bin/pip install --quiet --disable-pip-version-check -r $here/requirements.txt
	cp $here/requirements.txt $venv/requirements.txt
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
$venv/bin/python $here/interop.py generate "$work" "${1:-80}" "${2:-1}"
NOO_INTEROP="$work" go test -count=1 -run '^TestInterop$' ./formats/parquet
$venv/bin/python $here/interop.py verify "$work"

# Tables are refused before anybody's snapshot is looked at: any will do.
mkdir "$work/tables"
go build -o "$work/noo" ./cmd/noo
(
	cd "$work/tables"
	"$work/noo" key generate --name publisher --no-password
	echo 9434765919 > optouts.txt
	"$work/noo" snapshot build optouts.txt -o optouts.noo --key publisher.key
) > /dev/null 2>&1
NOO_SNAPSHOT="$work/tables/optouts.noo" NOO_TRUSTED_KEYS="$work/tables/publisher.pub" NOO_STATE_DIR="$work/tables/state" \
	$venv/bin/python $here/tables.py "$work/noo" "$work/tables"
