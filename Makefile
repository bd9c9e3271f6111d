# Every target that people and CI run. `make` alone lists them.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
LINT := go tool -modfile=tools/go.mod golangci-lint
# make soak MOVIES=500 KILLS=200, or make soak SEEDS=1000; SEED is the first of them
MOVIES ?= 50
KILLS ?= 25

.PHONY: help build demo test lint bench soak clean deps

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/reelhook
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/reelhook ./cmd/reelhook

demo: ## install what is missing, build, render the sample movie and receive its webhook
	@scripts/deps run
	@$(MAKE) --no-print-directory build
	@bin/reelhook demo

test: ## install what the tests need, lint, run every test with the race detector
	@scripts/deps test
	@$(MAKE) --no-print-directory lint
	go test -race -timeout 9m ./...

lint: ## check style, walls between packages and formatting
	$(LINT) run ./...

bench: ## measure accepts, deliveries, rendering and uploads beside what could be best; takes about twenty minutes
	@scripts/deps bench
	go run ./cmd/bench

soak: ## kill the real server at random moments, or with SEEDS=1000 in a thousand short lives, and count what was lost
	@scripts/deps run
ifdef SEEDS
	go test ./cmd/reelhook -run '^TestCrashSeeds$$' -v -count 1 -timeout 4h -crash.seeds $(SEEDS) $(if $(SEED),-crash.seed $(SEED))
else
	go test ./cmd/reelhook -run '^TestCrash(Pipelines)?$$' -v -count 1 -timeout 60m -crash.movies $(MOVIES) -crash.kills $(KILLS) | grep -v -e INF -e WRN
endif

clean: ## remove what was built
	rm -rf bin
