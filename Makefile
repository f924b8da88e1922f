# All targets need only Go, make and git, but for interop and thus ci. `go run` builds the tools at the versions
# below on first use, which takes two to three minutes on two cores.
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The packages with a minimum coverage, in percent of statements. The tests of the
# whole module count.
COVERED      := ./jobs ./jobs/download ./polling ./internal/content ./internal/pager ./internal/watcher ./internal/ratelimit ./internal/transport ./internal/wire ./internal/redact
COVERAGE_MIN := 90

GO ?= go

# The race detector needs cgo and a C compiler. RACE=-race enables it regardless, as
# .ci/run does.
RACE ?= $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

empty :=
comma := ,
COVER_FLAGS = $(if $(COVER),-coverpkg=$(subst $(empty) $(empty),$(comma),$(COVERED)) -coverprofile=cover.out)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# On a new machine, compiling takes most of the demo's time. Without optimization it
# takes two thirds of the time, and without collecting garbage a tenth less. The demo
# needs no HTTP/2.
QUICKLY := -gcflags='all=-N -l -dwarf=false' -ldflags='-s -w' -tags=nethttpomithttp2

.PHONY: demo
demo: ## run merges and searches on the embedded TensorBay, 2 seconds
	@CGO_ENABLED=0 GOGC=off GOMEMLIMIT=400MiB $(GO) run $(QUICKLY) ./cmd/tensorbay-jobs demo

# Package jobs has the longest tests, so it comes first. Some tests wait in real time, so two
# packages run on each processor. A lazy garbage collector saves a tenth of the processor time.
GO_TEST = GOGC=400 $(GO) test -p $$((2 * $$(getconf _NPROCESSORS_ONLN)))

.PHONY: test
test: ## run all tests with the race detector, in random order; large ones are smaller than in ci
	@test -n '$(RACE)' || echo 'no C compiler: running the tests without the race detector' >&2
	$(GO_TEST) $(RACE) -shuffle=on $(COVER_FLAGS) ./jobs ./...

.PHONY: test-short
test-short: ## run the tests without the race detector and without the slow ones, 20 seconds
	$(GO_TEST) -short ./jobs ./...

.PHONY: cover
cover: ## run all tests and fail if the coverage is below the minimum
	$(MAKE) test COVER=1
	$(MAKE) cover-report

.PHONY: cover-report
cover-report: # reads the profile of the last `make test COVER=1`
	@awk -v min=$(COVERAGE_MIN) -v wanted='$(COVERED)' ' \
		NR > 1 { \
			package = $$1; sub(/\/[^\/]*$$/, "", package); \
			if (!($$1 in statements)) { statements[$$1] = $$2; all[package] += $$2 } \
			if ($$3 > 0 && !($$1 in hit)) { hit[$$1] = 1; covered[package] += $$2 } \
		} \
		END { \
			n = split(wanted, w, " "); \
			for (i = 1; i <= n; i++) { \
				sub(/^\./, "", w[i]); \
				percent = 0; \
				for (package in all) if (substr(package, length(package) - length(w[i]) + 1) == w[i]) { \
					percent = 100 * covered[package] / all[package]; \
				} \
				printf "coverage of %-20s %5.1f %% of statements%s\n", substr(w[i], 2), percent, percent < min ? ", wanted " min : ""; \
				if (percent < min) failed = 1; \
			} \
			exit failed \
		}' cover.out

.PHONY: bench
bench: ## measure beside other libraries and write docs/performance.md, 10 minutes
	cd bench && $(GO) test -count=1 -run TestReport -v -timeout 30m -report .. .

.PHONY: bench-check
bench-check: ## check the goals of waiting that take seconds, half a minute
	cd bench && $(GO) test -count=1 -short ./...

.PHONY: bench-build
bench-build:
	cd bench && $(GO) vet ./...

.PHONY: observing
observing: ## test the example with OpenTelemetry, a module of its own
	cd examples/observing && $(GO) vet ./... && $(GO) test $(RACE) ./...

.PHONY: tcp
tcp: ## test the client over TCP through a fault-injecting proxy
	cd interop/tcp && $(GO) vet ./... && $(GO) test $(RACE) ./...

# The package and name of each fuzz target, and the time for each.
FUZZ := ./cmd/tensorbay-jobs/internal/where:FuzzParse $(foreach f,ErrorResponse Job Resume Labels Filters,./jobs:Fuzz$(f)) \
	./internal/transport:FuzzRetryAfter ./internal/pager:FuzzList ./internal/redact:FuzzRedact \
	$(foreach f,Decode Equal JobPage Fields,./internal/wire:Fuzz$(f)) \
	./jobs/jobstest:FuzzParseSeed ./internal/emulator:FuzzWrite
FUZZTIME := 20s

.PHONY: interop
interop: ## check openapi.yaml and run the clients in TypeScript and Python; needs node and python3
	cd interop/typescript && npm ci --ignore-scripts && npm run --silent lint && npm run --silent build
	interop/run

# The browser of a test of the reference. Outside CI, the test is skipped without it.
.PHONY: browser
browser:
	@test -z "$$CI" || command -v chromium >/dev/null || \
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null

.PHONY: regenerate
regenerate: ## carry out docs/regenerate.md in a copy of the repository, half a minute
	cd interop/regenerate && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: gates
gates: ## show that each check of the contract fails for a mistake, 4 minutes; needs make interop
	cd interop/regenerate && GATES=1 $(GO) test -count=1 -timeout 30m -v -run TestGates ./...

# The API of the last release. Until there is a tag, openapi.yaml is recorded beside the Go
# packages.
API      := testdata/api
TAG      := $(shell git describe --tags --abbrev=0 2>/dev/null)
OASDIFF  := github.com/oasdiff/oasdiff@v1.37.0
APIDIFF  := golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4
PUBLIC   := polling jobs jobs/download jobs/jobstest

.PHONY: api-check
api-check: ## fail if a change breaks users of openapi.yaml or of the Go packages
	$(GO) run $(OASDIFF) breaking --fail-on WARN --severity-levels $(API)/severity-levels.txt \
		$(if $(TAG),$(TAG):openapi.yaml,$(API)/openapi.yaml) openapi.yaml
	@for p in $(PUBLIC); do \
		changes=$$($(GO) run $(APIDIFF) -incompatible $(API)/$$(basename $$p).api ./$$p) && \
		test -z "$$changes" || { echo "incompatible changes of ./$$p: see docs/regenerate.md"; echo "$$changes"; exit 1; } >&2; \
	done

.PHONY: api-record
api-record: ## record the API after an intended breaking change, or after a release
	cp openapi.yaml $(API)/openapi.yaml
	@# The record holds the names of files: -trimpath keeps the directory out of it.
	@for p in $(PUBLIC); do GOFLAGS=-trimpath $(GO) run $(APIDIFF) -w $(API)/$$(basename $$p).api ./$$p || exit 1; done

.PHONY: docs
docs: ## write the reference of the API to docs/reference.html
	$(GO) run ./internal/reference/render > docs/reference.html

.PHONY: fuzz
fuzz: ## run each fuzz target for 20 seconds
	@for f in $(FUZZ); do \
		echo "$${f#*:}" && \
		$(GO) test -run '^$$' -fuzz "^$${f#*:}$$" -fuzztime $(FUZZTIME) "$${f%:*}" || exit 1; \
	done

# FUZZTIME is a count: with a time, Go before 1.27 may report a successful run as
# failed (go.dev/issue/75804).
.PHONY: fuzz-short
fuzz-short:
	@$(MAKE) --no-print-directory fuzz FUZZTIME=1000x

# The vulnerability database is fetched as a module, because CI cannot reach
# vuln.go.dev. SECURITY.md has the last result.
VULNDB      := golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: vuln
vuln: ## check for known vulnerabilities
	@db=$$($(GO) mod download -json $(VULNDB) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
	$(GO) run $(GOVULNCHECK) -db "file://$$db/data/osv" -test ./...

.PHONY: generate
generate: ## regenerate the code after a change of openapi.yaml
	$(GO) generate ./...

.PHONY: generate-check
generate-check: # fails if the generated files are not up to date; works in a dirty tree
	@before=$$(mktemp -d) && trap 'rm -rf "$$before"' EXIT && \
	cp -R gen testdata "$$before" && \
	echo '$(GO) generate ./...' && $(GO) generate ./... && \
	diff -r "$$before/gen" gen && diff -r "$$before/testdata" testdata || \
	{ echo 'generated files are out of date: run make generate and commit the result' >&2; exit 1; }

.PHONY: lint
lint: ## run vet, staticcheck and golangci-lint
	$(GO) vet ./...
	GOARCH=386 CGO_ENABLED=0 $(GO) vet ./... # the tests compile where an int has 32 bits
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(GOLANGCI_LINT) run --allow-parallel-runners ./...

.PHONY: format-check
format-check:
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l -s .) && \
	test -z "$$unformatted" || { echo "not formatted, run gofmt -s -w:"; echo "$$unformatted"; exit 1; } >&2

.PHONY: tidy-check
tidy-check:
	$(GO) mod tidy -diff

.PHONY: build
build: ## build all packages, including the examples
	$(GO) build ./...

.PHONY: ci
ci: ## run all checks, with the tests in full size
	TENSORBAY_TEST_FULL=1 $(MAKE) test COVER=1
	$(MAKE) ci-rest

.PHONY: ci-rest
ci-rest: cover-report format-check tidy-check generate-check build lint api-check browser interop regenerate fuzz-short tcp observing bench-build bench-check demo # needs the profile of make test COVER=1
