# Everything goes through one environment, .venv, that the first target makes and later ones take as it is.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOCK := requirements/dev.txt
TOXIPROXY := .tools/bin/toxiproxy-server
TOXIPROXY_VERSION := 2.12.0
PIP := $(BIN)/python -m pip install --quiet
# uv is minutes quicker than pip, which stands in for it where only pip's own configuration names the package index.
install = $(BIN)/python -m uv pip install --quiet --require-hashes --compile-bytecode --python $(BIN)/python -r $(1) || \
	$(PIP) --require-hashes -r $(1)
# Where bytecode is not kept, as in many containers, each of the hundreds of processes compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help chaos test apps lint types bench docs toxiproxy images pythons lowest latest lock clean

help:  ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

chaos: $(STAMP)  ## judge the ten items of the checklist on the platform in scenarios/, its database and registry lost
	$(BIN)/python -m pytest --chaos --checklist --chaos-explore=off -n 4 --dist worksteal scenarios

test: $(STAMP)  ## run the project's own tests
	$(BIN)/python -m pytest --chaos -n 3 --dist worksteal tests

apps: $(STAMP)  ## judge every sample application in tests/apps (an hour and more)
	$(BIN)/python tests/apps/judge_all.py

lint: $(STAMP)  ## check style and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)  ## check types
	$(BIN)/mypy
	$(BIN)/mypy tests/typing docs/site tests/examples/editors/typed.py

bench: $(VENV)/.bench-installed  ## measure against peers; prints tables, writes benchmarks/results/*.json
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

docs: $(STAMP)  ## build the site of the documents into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/site/mkdocs.yml
	@echo "open build/site/index.html; to search it too: $(BIN)/python -m http.server --directory build/site --bind 127.0.0.1"

toxiproxy: $(TOXIPROXY)  ## build the real Toxiproxy (needs Go); the conformance tests then run against it too

$(TOXIPROXY):
	@command -v go >/dev/null || { echo "make toxiproxy needs Go on PATH; without it the conformance tests run against our engine alone"; exit 1; }
	GOBIN=$(CURDIR)/.tools/bin go install -ldflags "-X github.com/Shopify/toxiproxy/v2.Version=$(TOXIPROXY_VERSION)" \
		github.com/Shopify/toxiproxy/v2/cmd/server@v$(TOXIPROXY_VERSION)
	mv .tools/bin/server $@

images: $(STAMP)  ## get the images of docker-compose.yml, or make them where none can be had; tests then use the Docker engine
	$(BIN)/python tests/services/container_images.py

pythons: $(STAMP)  ## run tests against the installed wheel under each supported Python that is here
	$(BIN)/python tests/installed/run.py pythons $(TESTS)

lowest: $(STAMP)  ## the same with the lowest versions of all dependencies
	$(BIN)/python tests/installed/run.py lowest $(TESTS)

latest: $(STAMP)  ## the same with the newest versions of all dependencies
	$(BIN)/python tests/installed/run.py latest $(TESTS)

lock: $(STAMP)  ## pin the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --extra all --group dev pyproject.toml -o $(LOCK)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --extra all --group dev --group bench pyproject.toml \
		-o requirements/bench.txt

clean:  ## remove the environment and everything that runs leave behind
	rm -rf $(VENV) .tools build dist resilience-report .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "pytest-resilience needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say which: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "making the environment in $(VENV) (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@awk '/^[a-z]/ {ours = /^uv==/} ours' $(LOCK) | $(PIP) --require-hashes -r /dev/stdin && \
		$(call install,$(LOCK)) || \
		{ echo "the dependencies could not be installed: is there a network, and a package index for pip?"; exit 1; }
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.bench-installed: $(STAMP) requirements/bench.txt
	@$(call install,requirements/bench.txt)
	@touch $@
