# The Data Factory. `make help` lists what there is. Needs Python >= 3.11 with venv; everything else is set up here.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
STATE := .factory
UV := $(STATE)/tools/bin/uv
ENV := $(STATE)/env/services
DEMO_ENV := $(STATE)/env/demo
BENCH_ENV := $(STATE)/env/bench
RUN := $(ENV)/bin/python
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(ENV)
# uv takes the packages of the lock file; it never downloads another Python.
export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup demo up down address test test-fast check format bench proto docs policies clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or later is needed (set PYTHON=...)."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; $(PYTHON) is older (set PYTHON=...)."; exit 1; }
	@echo "Setting up (once): uv"
	@$(PYTHON) -m venv $(STATE)/tools
	@$(STATE)/tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"

$(ENV)/.ready: $(UV) pyproject.toml uv.lock clients/python/pyproject.toml
	@echo "Setting up (once): packages of the services, from uv.lock"
	@$(UV) sync --quiet --locked --all-extras --python $(PYTHON)
	@touch $@

$(DEMO_ENV)/.ready: $(UV) demo/requirements.lock clients/python/pyproject.toml $(shell find clients/python/src -name '*.py')
	@echo "Setting up (once): the demo's own environment"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(DEMO_ENV)
	@$(UV) pip sync --quiet --require-hashes --python $(DEMO_ENV)/bin/python demo/requirements.lock
	@$(UV) pip install --quiet --no-deps --reinstall --python $(DEMO_ENV)/bin/python ./clients/python
	@touch $@

$(BENCH_ENV)/.ready: $(UV) benchmarks/requirements.lock
	@echo "Setting up (once): the packages that benchmarks measure against"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(BENCH_ENV)
	@$(UV) pip sync --quiet --require-hashes --python $(BENCH_ENV)/bin/python benchmarks/requirements.lock
	@touch $@

setup: $(ENV)/.ready $(DEMO_ENV)/.ready ## Install everything that is needed (the others do it themselves)

up: $(ENV)/.ready ## Start the factory, leave it running, print its address
	@$(RUN) -m services up

down: $(ENV)/.ready ## Stop the factory
	@$(RUN) -m services down

demo: setup ## Start the factory and walk the whole chain on real data
	@$(RUN) -m services up
	@FACTORY_DEMO_BASE_URL="$$(cat $(STATE)/address)" FACTORY_DEMO_OPERATOR_SECRET="$$($(RUN) -m services operator-secret)" \
	  FACTORY_DEMO_STATE="$(STATE)/demo" $(DEMO_ENV)/bin/python -P demo/run.py

test: setup ## Run every test
	@$(RUN) -m pytest -n 2 --ignore tests/e2e
	@$(RUN) -m pytest tests/e2e

test-fast: setup ## Run the tests that take no more than a few seconds each (under 3 minutes)
	@$(RUN) -m pytest -n 2 -m "not slow" --ignore tests/e2e

check: $(ENV)/.ready ## Lint, types, imports, schemas, policies, migrations, generated files
	@$(RUN) scripts/check.py

format: $(ENV)/.ready ## Format the code
	@$(ENV)/bin/ruff format . && $(ENV)/bin/ruff check --fix . && $(ENV)/bin/buf format -w proto

bench: setup $(BENCH_ENV)/.ready ## Measure, each figure as a ratio to a named peer in the same run
	@$(RUN) -m benchmarks

proto: $(ENV)/.ready ## Generate code from proto/
	@$(RUN) scripts/proto.py

policies: $(ENV)/.ready ## Compile the policies (needs Go, for the pinned OPA)
	@$(RUN) -m services.access.policies.build

docs: $(ENV)/.ready ## Generate the pages that come from code
	@$(RUN) scripts/docs.py

clean: ## Delete all state and keys of this checkout's factory (asks first)
	@if [ -d $(STATE) ]; then \
	  read -r -p "Delete the factory's data AND its keys? What they encrypt is gone for good. Type 'delete': " answer; \
	  [ "$$answer" = delete ] || { echo "Nothing was deleted."; exit 1; }; \
	  if [ -x $(RUN) ]; then $(RUN) -m services clean; fi; \
	  rm -rf $(STATE); echo "Gone."; \
	else echo "There is nothing to delete."; fi
