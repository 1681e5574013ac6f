#!/bin/sh
# Filters CSV that other systems wrote in their dialects, and has them read it again: see table.py.
# Usage: run.sh [FILES [SEED]]. It makes its own virtual environments under bench/ (ignored by git), once. Servers and
# programs are Debian's, which it installs as root; elsewhere it leaves out what is not installed.
set -eu
cd "$(dirname "$0")/../../../.."
here=formats/csv/testdata/interop
files=${1:-40}
seed=${2:-1}

# need PROGRAM PACKAGE… reports whether there is such a program, whose path may be a pattern.
need() {
	program=$1
	shift
	if ! command -v $program > /dev/null && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
		apt-get update > /dev/null
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" > /dev/null
	fi
	if ! command -v $program > /dev/null; then
		echo "$program is not installed: its files are left out"
		return 1
	fi
}

# compare PYTHON NAME FILES runs a file of this folder.
compare() {
	mkdir "$work/$2"
	"$1" "$here/$2.py" "$work/noo" "$work/$2" "$3" "$seed"
	rm -rf "${work:?}/$2"
}

venv=bench/interop-venv
spark=bench/python-spark-venv
testdata/venv.sh $venv formats/parquet/testdata/interop/requirements.txt
work=$(mktemp -d)
chmod 755 "$work" # servers run as nobody
trap 'rm -rf "$work"' EXIT INT TERM
CGO_ENABLED=0 go build -o "$work/noo" ./cmd/noo
compare $venv/bin/python libraries "$files"
compare $venv/bin/python documents "$files"
need '/usr/lib/postgresql/*/bin/initdb' postgresql && compare python3 postgres "$files"
need mariadbd mariadb-server-core mariadb-client-core && compare python3 mariadb "$files"
need sqlite3 sqlite3 && compare python3 sqlite "$files"
need Rscript r-base-core r-cran-readr r-cran-data.table && compare python3 r $((files / 3))
if need java openjdk-17-jre-headless; then
	testdata/venv.sh $spark python/requirements/spark.txt
	compare $spark/bin/python spark $((files / 4))
fi
