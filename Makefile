# Every chore of the repository. `make` alone lists them.

GO ?= go

# Time for each package's tests, and for each fuzz target.
TEST_TIMEOUT ?= 15m
FUZZ_TIME ?= 20s

# How long a soak breaks things, on which engine, and further flags, such as -seed 42.
SOAK ?= 10m
ENGINE ?= sqlite
SOAK_ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the chores
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/kith
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/kith ./cmd/kith

.PHONY: run
run: build ## Start Kith on its embedded store, with its data in data/
	bin/kith serve --data data

.PHONY: demo
demo: build ## Show a block, an unblock and the callbacks they cause
	bin/kith demo

.PHONY: demo-web
demo-web: build ## Serve the same as a web page with two users; the URL is printed
	bin/kith demo --web

.PHONY: sdk
sdk: ## Build the TypeScript SDK, and put its bundle into examples/webclient
	@scripts/sdk.sh

.PHONY: deps
deps: ## Install what the tests need: PostgreSQL server programs, Chromium, npm packages
	@scripts/test-deps.sh

.PHONY: test
test: deps ## Run all tests, with the race detector, on both store engines
	@GO="$(GO)" TEST_TIMEOUT="$(TEST_TIMEOUT)" scripts/test.sh

.PHONY: check
check: ## Formatting, vet, linters and modules; what CI runs before the tests
	@GO="$(GO)" scripts/check.sh

.PHONY: golden
golden: ## Rewrite the golden files; review the difference
	@GO="$(GO)" scripts/golden.sh

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZ_TIME (20s)
	@GO="$(GO)" FUZZ_TIME="$(FUZZ_TIME)" scripts/fuzz.sh

.PHONY: bench
bench: ## Measure throughput and latency; takes some minutes
	$(GO) run ./bench

.PHONY: soak
soak: ## Kill and break everything around Kith for SOAK (10m), then verify; ENGINE is sqlite or postgres
	$(GO) run ./bench/soak -for $(SOAK) -engine $(ENGINE) $(SOAK_ARGS)

.PHONY: cover
cover: ## Run the Go tests and print the statement coverage
	$(GO) test -count=1 -timeout $(TEST_TIMEOUT) -coverpkg=./... -coverprofile=cover.out ./...
	@$(GO) tool cover -func=cover.out | tail -n 1
