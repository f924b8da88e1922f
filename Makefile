# Everything here needs Go, make and git, and nothing else. The tools are built
# by `go run` at the versions below, on their first use: two to three minutes on
# two cores; later runs start at once.
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The packages whose coverage counts, and the least of it in percent of
# statements. The tests of the whole module count for it.
COVERED      := ./jobs ./polling
COVERAGE_MIN := 90

GO ?= go

# The race detector needs a C compiler, where cgo is off there is none. To
# insist on it, as .ci/run does: RACE=-race.
RACE ?= $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

empty :=
comma := ,
COVER_FLAGS = $(if $(COVER),-coverpkg=$(subst $(empty) $(empty),$(comma),$(COVERED)) -coverprofile=cover.out)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# On a fresh machine most of the demo's time is the compiler's. Without
# optimization it takes two thirds of it.
QUICKLY := -gcflags='all=-N -l -dwarf=false' -ldflags=-w

.PHONY: demo
demo: ## run the main job, start to end, on the embedded TensorBay
	@CGO_ENABLED=0 $(GO) run $(QUICKLY) ./cmd/tensorbay-jobs demo

.PHONY: test
test: ## run every test, with the race detector and in random order
	@test -n '$(RACE)' || echo 'no C compiler: the tests run without the race detector' >&2
	$(GO) test $(RACE) -shuffle=on $(COVER_FLAGS) ./...

.PHONY: cover
cover: ## run every test, print the coverage and fail below the minimum
	$(MAKE) test COVER=1
	$(MAKE) cover-report

.PHONY: cover-report
cover-report: # of the tests that ran last with COVER=1
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
				printf "coverage of %-10s %5.1f %% of statements%s\n", substr(w[i], 2), percent, percent < min ? ", wanted " min : ""; \
				if (percent < min) failed = 1; \
			} \
			exit failed \
		}' cover.out

.PHONY: bench
bench: ## measure beside other libraries and write docs/performance.md, 6 minutes
	cd bench && $(GO) test -count=1 -run TestReport -v -timeout 30m -report .. .

.PHONY: bench-check
bench-check: ## check the goals of waiting that take seconds, half a minute
	cd bench && $(GO) test -count=1 -short ./...

.PHONY: bench-build
bench-build:
	cd bench && $(GO) vet ./...

.PHONY: tcp
tcp: ## test the client over real TCP through a proxy that makes faults
	cd interop/tcp && $(GO) vet ./... && $(GO) test $(RACE) ./...

# The package and name of each fuzz target, and how long each runs.
FUZZ := $(foreach f,ErrorResponse Job JobPage Resume Labels Pages Filters RetryAfter Redact SameJSON,./jobs:Fuzz$(f)) \
	./jobs/jobstest:FuzzParseSeed
FUZZTIME := 20s

.PHONY: fuzz
fuzz: ## run every fuzz target for 20 seconds
	@for f in $(FUZZ); do \
		echo "$${f#*:}" && \
		$(GO) test -run '^$$' -fuzz "^$${f#*:}$$" -fuzztime $(FUZZTIME) "$${f%:*}" || exit 1; \
	done

# A count and not a time, at whose end Go before 1.27 may call a good run failed
# (go.dev/issue/75804).
.PHONY: fuzz-short
fuzz-short:
	@$(MAKE) --no-print-directory fuzz FUZZTIME=1000x

# The database of vulnerabilities comes as a module, because CI reaches no other
# server. See SECURITY.md for the last result.
VULNDB      := golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: vuln
vuln: ## look for known vulnerabilities
	@db=$$($(GO) mod download -json $(VULNDB) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
	$(GO) run $(GOVULNCHECK) -db "file://$$db/data/osv" -test ./...

.PHONY: generate
generate: ## generate the code again, after a change of openapi.yaml
	$(GO) generate ./...

.PHONY: generate-check
generate-check: # that generating changes nothing, in a dirty tree too
	@before=$$(mktemp -d) && trap 'rm -rf "$$before"' EXIT && \
	cp -R gen testdata "$$before" && \
	echo '$(GO) generate ./...' && $(GO) generate ./... && \
	diff -r "$$before/gen" gen && diff -r "$$before/testdata" testdata || \
	{ echo 'make generate changes something: run it and commit what it writes' >&2; exit 1; }

.PHONY: lint
lint: ## vet, staticcheck, golangci-lint
	$(GO) vet ./...
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
build: ## build everything, the examples too
	$(GO) build ./...

.PHONY: ci
ci: ## everything that must hold
	$(MAKE) test COVER=1
	$(MAKE) ci-rest

.PHONY: ci-rest
ci-rest: cover-report format-check tidy-check generate-check build lint fuzz-short tcp bench-build bench-check demo # after make test COVER=1
