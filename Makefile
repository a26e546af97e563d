# Everything here runs from a fresh clone; `make help` lists it.
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
export PATH := $(CURDIR)/.venv/bin:$(PATH)

PY := .venv/bin/python
CODE := $(wildcard server storage client_sdk migrations deploy tests wsgi.py)
JOBS ?= 2
LOCK := cd requirements && ../.venv/bin/uv pip compile --quiet --universal --upgrade \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: help setup system node verifier demo run smoke screenshots test fmt lint types imports bench faults sure lock \
	clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv from the hash-locked requirements (skips when up to date)
	@sh deploy/setup/venv.sh

system:
	@sh deploy/setup/system_packages.sh

node: setup
	@sh deploy/setup/node.sh
	@[ ! -d node_modules/esbuild ] || node deploy/setup/verifier.mjs >.venv/verifier.log
	@[ ! -d node_modules/htmx.org ] || $(PY) -m deploy.page_assets

verifier: node ## build build/verify.html, the verifier for browsers, and say its SHA-256
	@cat .venv/verifier.log

demo: setup node ## play an officer's day against a real server and leave it running
	@$(PY) -m deploy.demo

run: setup node ## start the server and its worker with the settings of the environment
	@$(PY) -m deploy.serve

smoke: setup ## the demo in a temporary folder; succeeds only if every item arrived exactly once
	@$(PY) -m deploy.demo --smoke

screenshots: setup node ## take the pictures of the README anew
	@$(PY) -m tests.screenshots

ifdef T
test: setup node ## install what the tests need, check and test everything; T=path for a part
	@$(PY) -m pytest $(T)
else
test: setup system node lint types imports
	@echo "== tests"
	@$(PY) -m pytest -q -n $(JOBS) --dist loadfile -m "not serial"
	@$(PY) -m pytest -q -m serial || [ $$? -eq 5 ]
	@echo "== smoke"
	@$(MAKE) smoke
endif

fmt: setup ## format the code and apply safe fixes
	@$(PY) -m ruff check --quiet --fix-only $(CODE)
	@$(PY) -m ruff format --quiet $(CODE)

lint: setup ## ruff: format and rules
	@echo "== lint"
	@$(PY) -m ruff format --quiet --check $(CODE) || { echo "   run: make fmt"; exit 1; }
	@$(PY) -m ruff check --quiet $(CODE)

types: setup ## mypy, strict
	@echo "== types"
	@$(PY) -m mypy --no-error-summary $(CODE)

imports: setup ## which module may import which
	@echo "== imports"
	@.venv/bin/lint-imports --no-cache >.venv/imports.log 2>&1 || { sed 1,9d .venv/imports.log; exit 1; }

bench: setup node ## benchmarks side by side, as ratios (minutes)
	@$(PY) -m tests.bench

faults: setup system node ## the long form of the crash and network-fault tests (many minutes)
	@TIEZHENG_FAULTS=full $(PY) -m pytest -q --timeout 3600 tests/faults

sure: test faults ## everything: test and faults

lock: setup ## renew the locked versions
	@$(LOCK) server.in sdk.in -o runtime.txt
	@$(LOCK) server.in sdk.in dev.in -c runtime.txt -o dev.txt
	@$(LOCK) node.in -o node.txt
	@npm install --package-lock-only --silent

clean: ## remove everything that was installed or cached
	@rm -rf .venv node_modules build dist *.egg-info
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
