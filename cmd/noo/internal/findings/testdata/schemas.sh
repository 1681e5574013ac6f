#!/bin/sh
# Holds what other programs read against the schemas that they read it by: the JUnit XML of noo check against that of Jenkins,
# the files of docs/ci against those of their CI servers. It makes its own virtual environment under bench/ (ignored by git), once.
set -eu
cd "$(dirname "$0")/../../../../.."
here=cmd/noo/internal/findings/testdata
venv=bench/schemas-venv
# The source of pytest has the schema, for its own tests.
testdata/venv.sh $venv $here/requirements.txt "
	pip download --quiet --disable-pip-version-check --no-deps --no-binary pytest --dest $venv pytest==8.4.2
	tar -xzf $venv/pytest-8.4.2.tar.gz -C $venv pytest-8.4.2/testing/example_scripts/junit-10.xsd"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
NOO_FINDINGS="$work" go test -count=1 -run '^TestJUnit$' ./cmd/noo/internal/findings
$venv/bin/xmlschema-validate --schema $venv/pytest-8.4.2/testing/example_scripts/junit-10.xsd "$work/mixed.xml"
go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 docs/ci/github-actions.yml
for server in github-workflows:github-actions gitlab-ci:gitlab-ci azure-pipelines:azure-pipelines; do
	$venv/bin/check-jsonschema --builtin-schema "vendor.${server%:*}" "docs/ci/${server#*:}.yml"
done
