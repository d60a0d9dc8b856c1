# Everything that a newcomer, a maintainer or the build needs. `make` alone lists it.
.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-to-run
DEV_READY := $(VENV)/.ready-to-test
WORKERS ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore
export UV_NO_PROGRESS := 1
# Where this is set, every start compiles a thousand modules anew, for seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run sandbox test checks lint types imports unit format bench faults env lock clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_READY) ## start the bot: in Slack where .env has tokens, else in the sandbox, a page on this machine
	@exec $(BIN)/isp-coach run

sandbox: $(RUN_READY) ## start the bot in the sandbox, even where .env has tokens
	@exec $(BIN)/isp-coach sandbox

test: $(DEV_READY) ## every check: lint, format, types, import contract, tests
	@$(MAKE) -k checks

checks: lint types imports unit

lint:
	@$(BIN)/ruff check && $(BIN)/ruff format --check

types:
	@$(BIN)/mypy

imports:
	@$(BIN)/lint-imports

unit:
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

format: $(DEV_READY) ## put the code in shape
	@$(BIN)/ruff check --fix --quiet; $(BIN)/ruff format

bench: $(DEV_READY) ## measure start-up and answers beside their baselines (ARGS=--json for machines)
	@$(BIN)/python -m bench.bench $(ARGS)

faults: $(DEV_READY) ## inject every fault of the test plan and print its figure; ROW=S6 for one
	@$(BIN)/python -m pytest -m fault --fault-row "$(ROW)" $(ARGS)

env: $(DEV_READY) ## write .env.example anew from the settings
	@$(BIN)/python -m tools.env_example > .env.example

lock: $(DEV_READY) ## pin every dependency anew, with hashes, for all platforms
	@for name in run:pyproject.toml dev:pyproject.toml build:requirements-build.in; do \
	  kind=$${name%%:*}; source=$${name#*:}; \
	  case $$kind in build) out=requirements-build.txt; more="-c requirements-dev.txt";; \
	    run) out=requirements.txt; more=;; dev) out=requirements-dev.txt; more="--group dev";; esac; \
	  echo "$$out"; \
	  $(BIN)/uv pip compile "$$source" $$more --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file "$$out" || exit 1; \
	done

clean: ## remove the environment and every cache; your data folder stays
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	@find bot tests bench tools -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- the environment: built once, looked at by one stamp file afterwards ---

$(BIN)/uv: requirements-build.txt
	@command -v $(PYTHON) >/dev/null || { echo "ISP Coach needs Python 3.11 or newer, and there is no $(PYTHON) here."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "ISP Coach needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
	  echo "Name another one like this: make run PYTHON=python3.12"; exit 1; }
	@echo "Preparing a Python environment in $(VENV) (once, about a minute) …"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python could not make an environment. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-build.txt
	@touch $@

$(RUN_READY): $(BIN)/uv requirements.txt pyproject.toml
	@$(call install,requirements.txt)
	@touch $@

$(DEV_READY): $(BIN)/uv requirements-dev.txt requirements.txt pyproject.toml
	@$(call install,requirements-dev.txt)
	@touch $(RUN_READY) $@

# uv is several times quicker; pip knows more kinds of proxies and certificates.
define install
echo "Installing what $(1) pins …"; \
$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) || { \
  echo "uv could not; trying pip …"; \
  $(BIN)/python -m pip install --quiet --require-hashes -r $(1); } || { \
  echo "The packages could not be installed. Is the package index reachable from here?"; exit 1; }; \
$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
endef
