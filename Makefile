# hearth. `make help` lists what there is; every target sets up what it needs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := node_modules/.bin
INSTALLED := node_modules/.package-lock.json

# The system's Node where it is 24 or newer, else the Node 24 that npm brought. It stands first in PATH, so that the
# tools, whose first line names `node`, run under it too.
SYSTEM_NODE := $(shell node -e 'process.exit(parseInt(process.versions.node) >= 24 ? 0 : 1)' 2>/dev/null && command -v node)
NODE := $(or $(SYSTEM_NODE),$(CURDIR)/$(BIN)/node)
export PATH := $(dir $(NODE)):$(PATH)

VITEST := $(BIN)/vitest run
ARCH ?= $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
PORT ?= 8480
# Of the larger tree that is simulated.
HOUSEHOLDS ?= 20000

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-9s %s\n", $$1, $$2 }'

.PHONY: setup
setup: $(INSTALLED) ## install what package-lock.json names (done by every other target when needed)

$(INSTALLED): package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: run demo
run: demo ## the demo: a whole small internet of households in one process, with a page to watch
demo: setup ## the same as run; PORT=8480
	$(NODE) agent/main.ts demo --port $(PORT)

.PHONY: check
check: fmt-check lint types knip ## the one gate: format, lint, types, dead code, unit and simulation tests
	$(VITEST) --project unit --project sim

.PHONY: fmt fmt-check
fmt: setup ## format everything
	$(BIN)/oxfmt
fmt-check: setup
	$(BIN)/oxfmt --check

.PHONY: lint
lint: setup ## type-aware lint, with the rules of the pure folders
	$(BIN)/oxlint --deny-warnings

.PHONY: types
types: setup ## type check everything, and the pure folders once more without Node
	$(BIN)/tsc -p tsconfig.json
	$(BIN)/tsc -p tsconfig.pure.json

.PHONY: knip
knip: setup ## dead files, exports and dependencies
	$(BIN)/knip

.PHONY: test
test: check ## check, then everything else that this machine can run; says what it could not
	@test/rest.sh

.PHONY: sim
sim: setup tables ## scenarios on the virtual clock, and the tables; SEED=n replays a scenario
	$(VITEST) --project sim

# A sample of a minute; RUNS=500 is all of it, half an hour.
.PHONY: tables
tables: setup ## what was promised of prediction and of the tree, beside what is measured; RUNS=500, HOUSEHOLDS=200000
	@missed=; for table in classification $(addprefix prediction/,table six score labels); do \
	  echo "== $$table"; $(NODE) test/sim/$$table.ts --runs $(or $(RUNS),10) || missed="$$missed $$table"; done; \
	  echo "== tree"; $(NODE) test/sim/tree/table.ts --households 2000 --hours 1 || missed="$$missed tree"; \
	  echo "== tree of $(HOUSEHOLDS)"; $(NODE) test/sim/tree/table.ts --households $(HOUSEHOLDS) --hours 0.5 --only churn || missed="$$missed $(HOUSEHOLDS)"; \
	  [ -z "$$missed" ] || { echo "a bar was missed:$$missed"; exit 1; }

.PHONY: net
net: setup ## real sockets and kernel NATs in network namespaces (root)
	$(VITEST) --project net

.PHONY: net-full
net-full: setup ## every ordered pair of NATs, five times, on hosts and on gateways (root, an hour); RUNS=5
	$(NODE) test/net/matrix-full.ts --runs $(or $(RUNS),5); matrix=$$?; \
	$(NODE) test/net/corners-full.ts --runs $(or $(RUNS),5) && exit $$matrix

.PHONY: tree-full
tree-full: bundle ## the tree with 31 real households and what befalls them (root, 45 minutes); WITH='--only kills --kills 10'
	HEARTH=out/hearth.cjs $(NODE) test/net/tree-full.ts $(WITH)

.PHONY: fuzz
fuzz: setup ## RUNS=1000000 random and mutated inputs for every decoder
	RUNS=$(or $(RUNS),1000000) $(VITEST) --project fuzz
	FUZZ_RUNS=$(or $(RUNS),1000000) $(VITEST) --project unit --testTimeout 3600000 \
	  test/seal/fuzz test/media test/blocks test/wire/codec test/transport/frames

.PHONY: bench
bench: setup ## every promised figure, measured here; ONLY=name runs one, WITH='...' are its options
	@missed=; for program in bench/$(or $(ONLY),*).ts; do echo "== $$program"; $(NODE) $$program $(WITH) || missed="$$missed $$program"; done; \
	  [ -z "$$missed" ] || { echo "a bar was missed, or no result:$$missed"; exit 1; }

.PHONY: config
config: setup ## write config/ anew from the schema
	$(NODE) firmware-scripts/make-config.ts

.PHONY: bundle
bundle: setup ## the whole program as one file: out/hearth.cjs
	$(NODE) firmware-scripts/bundle.ts

.PHONY: pack
pack: bundle ## one executable for ARCH=x64 or arm64: out/hearth-linux-ARCH
	$(NODE) firmware-scripts/pack.ts $(ARCH) --xz

.PHONY: clean
clean: ## remove what was built
	rm -rf out coverage
