# `make demo` and `make test` set up what they need, once; see README.md.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
SHELL := /bin/bash

STAMPS := .stamps
PYTHON_READY := $(STAMPS)/python
NODE_READY := $(STAMPS)/node
TOOLS_READY := js/node_modules/.package-lock.json
CHROMIUM_READY := $(STAMPS)/chromium
FRONT_END := src/cellwidget/static/widget.js
FRONT_END_SOURCES := $(filter-out %.test.ts %.test.tsx,$(shell find js/src -type f)) js/build.mjs js/worker.mjs js/runtime.mjs

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help:
	@echo 'make demo      open JupyterLab on a first example'
	@echo 'make test      check everything'
	@echo 'make build     build the front end'
	@echo 'make fix       format, and fix what can be fixed by machine'
	@echo 'make bench     measure'
	@echo 'make train     train the packaged model again (installs torch, in an environment of its own)'
	@echo 'make test-matrix  the Python tests on the oldest and the newest Python at hand'

# ── setting up ────────────────────────────────────────────────────────────────────────────────────

.venv/bin/python:
	scripts/make-venv .venv

# The front end is built by its own rule, which knows when it is up to date.
$(PYTHON_READY): pyproject.toml hatch.toml hatch_build.py | .venv/bin/python
	HATCH_BUILD_NO_HOOKS=true python -m pip install -q -e '.[dev]'
	@mkdir -p $(@D) && touch $@

$(NODE_READY): | .venv/bin/python
	scripts/find-node
	@mkdir -p $(@D) && touch $@

$(TOOLS_READY): js/package-lock.json js/package.json | $(NODE_READY)
	cd js && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(FRONT_END): $(FRONT_END_SOURCES) $(TOOLS_READY)
	cd js && npm run --silent build

$(CHROMIUM_READY): | $(PYTHON_READY)
	@mkdir -p $(@D)
	scripts/find-chromium > $@

.PHONY: build
build: $(PYTHON_READY) $(FRONT_END)

# ── using ─────────────────────────────────────────────────────────────────────────────────────────

# Without a display nothing can be opened: the address is printed. Lab asks no server for news.
DEMO_FLAGS := --ServerApp.root_dir=examples --LabApp.default_url=/lab/tree/01-first-look.ipynb
DEMO_FLAGS += --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
DEMO_FLAGS += $(if $(filter 0,$(shell id -u)),--allow-root)
ifeq ($(shell uname),Linux)
DEMO_FLAGS += $(if $(DISPLAY)$(WAYLAND_DISPLAY),,--no-browser)
endif

.PHONY: demo
demo: build
	jupyter lab $(DEMO_FLAGS)

# ── checking: what fails fast comes first ─────────────────────────────────────────────────────────

.PHONY: test lint test-js test-python test-e2e
test: lint $(CHROMIUM_READY)
	$(MAKE) --no-print-directory --output-sync=target -j2 test-js test-python
	$(MAKE) --no-print-directory test-e2e

lint: build
	ruff check
	ruff format --check
	mypy
	lint-imports --no-logo
	cd js && npm run --silent check

test-js: build $(CHROMIUM_READY)
	cd js && CHROMIUM="$$(cat ../$(CHROMIUM_READY))" npm test --silent

test-python: build
	pytest tests/python

test-e2e: build $(CHROMIUM_READY)
	CHROMIUM="$$(cat $(CHROMIUM_READY))" pytest tests/e2e

# anndata 0.12 is the last for Python 3.11, and 0.13 asks for 3.12. Pythons that only pyenv knows are found too.
PYTHONS ?= python3.11 python3.12 python3.13 python3.14 $(wildcard $(HOME)/.pyenv/versions/3.1[1-9].*/bin/python)

.PHONY: test-matrix
test-matrix: build
	@declare -A done; for python in $(PYTHONS); do \
	  version=$$($$python -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null) || continue; \
	  [ -z "$${done[$$version]}" ] || continue; \
	  done[$$version]=1; \
	  echo "── Python $$version"; \
	  folder=.venv-$$version; \
	  { [ -x $$folder/bin/python ] || PYTHON=$$python scripts/make-venv $$folder; } && \
	  HATCH_BUILD_NO_HOOKS=true $$folder/bin/python -m pip install -q -e '.[dev]' && \
	  $$folder/bin/python -m pytest tests/python || exit; \
	done

.PHONY: fix
fix: $(PYTHON_READY) $(TOOLS_READY)
	ruff check --fix
	ruff format
	cd js && npm run --silent fix

.PHONY: bench
bench: export CHROMIUM = $(shell cat $(CHROMIUM_READY))
bench: build $(CHROMIUM_READY)
	@for each in kernel first_point browser sims_graph attention whole parametric_umap; do \
	  echo "── $$each"; python benchmarks/$$each.py || failed=1; done; exit $${failed:-0}

# ── the packaged model ────────────────────────────────────────────────────────────────────────────

.venv-train/bin/python:
	scripts/make-venv .venv-train

.PHONY: train
train: | .venv-train/bin/python
	HATCH_BUILD_NO_HOOKS=true .venv-train/bin/python -m pip install -q -e '.[train]'
	.venv-train/bin/python scripts/train_pbmc.py
