# What people and CI type. Everything here needs Go and make alone, but for targets that say what they need.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X noo/cmd/noo/internal/buildinfo.version=$(VERSION)
BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'
TARGETS := linux/amd64 linux/arm64 windows/amd64 windows/arm64 darwin/amd64 darwin/arm64

.PHONY: build demo test leaks docs screenshots interop python wheels schemas mesh fhir spark race lint cross fuzz bench clean

build: ## bin/noo, one static binary
	$(BUILD) -o bin/ ./cmd/noo

demo: build ## the main job on made-up data
	@bin/noo demo

test: ## every test that needs only Go
	go test -timeout 30m ./...

LEAKS ?= 4000
SEED ?= 1
leaks: ## LEAKS datasets drawn at random from SEED through the commands, and a search for people who opted out in all that is written
	go test ./cmd/noo -run 'TestLeaks|TestReportedCases' -count 1 -timeout 30m -args -leaks $(LEAKS) -leakseed $(SEED)

docs: ## docs/man and docs/reference, from the commands
	go test ./cmd/noo -run TestReferenceIsCurrent -count 1 -update

screenshots: ## docs/screenshots, from what noo prints on a terminal (needs script, of util-linux)
	go test ./cmd/noo -run TestScreenshotsAreCurrent -count 1 -update

interop: ## Parquet, Arrow and CSV made, and read again, by pyarrow, DuckDB, Polars, pandas, PostgreSQL, MariaDB, SQLite, R and Spark; tables by their own writers (needs Python, and installs the others on Debian)
	formats/parquet/testdata/interop/run.sh
	formats/csv/testdata/interop/run.sh

PYTHON := bench/python-venv
python: ## the Python package: its form, types, tests and the Python in docs/ (needs Python; makes its own environment)
	testdata/venv.sh $(PYTHON) python/requirements/test.txt
	cd python && ../$(PYTHON)/bin/ruff format --check . && ../$(PYTHON)/bin/ruff check .
	cd python && ../$(PYTHON)/bin/mypy && ../$(PYTHON)/bin/mypy --platform win32
	cd python && ../$(PYTHON)/bin/python -m pytest

wheels: cross ## wheels of the Python package with noo for every system, in python/dist (needs Python; makes its own environment)
	testdata/venv.sh $(PYTHON) python/requirements/test.txt
	rm -rf python/dist
	$(PYTHON)/bin/python python/wheels.py bin python/dist

schemas: ## what CI servers read of noo and docs/, held against their schemas (needs Python; makes its own environment)
	cmd/noo/internal/findings/testdata/schemas.sh

mesh: ## the MESH API client against NHS England's mesh-sandbox and mesh-client (needs Python; makes its own environment)
	mesh/api/testdata/sandbox/run.sh

fhir: ## a HAPI FHIR server filled with Consents, which noo downloads and builds (needs Java 17 and Maven, which it installs on Debian)
	fhir/testdata/hapi/run.sh

spark: ## noo_filter.spark on a cluster of Spark on this machine, with parts of it killed, and on Spark Connect (needs Python, Java 17 and Maven, which it installs on Debian)
	python/tests/spark/run.sh

# Tests in which nothing runs at the same time, or of what others run under the detector too.
SERIAL := TestScripts/(completion|config|flags|force|help|key|settings|snapshot|tables|version)|TestMarkdownCommands|TestReportedCases

race: ## the same under the race detector, without what only takes time (needs a C compiler)
	go test -race -short -timeout 30m -skip '$(SERIAL)' ./...

lint: ## vet, format and staticcheck
	go vet ./...
	test -z "$$(gofmt -l .)"
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

cross: ## binaries for every system, in bin/
	for target in $(TARGETS); do \
		echo $$target; \
		GOOS=$${target%/*} GOARCH=$${target#*/} $(BUILD) -o bin/$$target/ ./cmd/noo || exit 1; \
	done

FUZZTIME ?= 10m
fuzz: ## every fuzz target for FUZZTIME, one after the other
	for target in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for name in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$target/*_test.go | cut -d' ' -f2); do \
			go test $$target -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) || exit 1; \
		done; \
	done

bench: build ## the tables of docs/benchmarks.md, on data made the first time (about 7 GB in bench/; DuckDB, Polars and pyarrow after make interop)
	go run ./cmd/noobench

clean:
	rm -rf bin bench python/dist
