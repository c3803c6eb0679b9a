# make dance [SONG=path]   a dance for the song (or for one composed on the spot) in ./dances
# make test                lint, types, the wheel and all tests, in an environment with every extra
# Environments are made on first use and reused until pyproject.toml, constraints.txt or the viewer's sources change.

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.10 python,$(shell command -v $(p) >/dev/null 2>&1 && \
	$(p) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && echo $(p))))
VENV := .venv
TEST_VENV := .venv-test
BIN := $(VENV)/bin
TEST_BIN := $(TEST_VENV)/bin
BUILT_FROM := pyproject.toml constraints.txt $(wildcard hatch_build.py web/package.json web/package-lock.json) $(shell find web/src -type f 2>/dev/null)
PIP := -m pip --disable-pip-version-check install --quiet --quiet --constraint constraints.txt
OUT ?= dances
SONG ?=

.DEFAULT_GOAL := help
.PHONY: help dance test test-slow lint format bench clean
.SUFFIXES:
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))
	@echo "make test-slow           tests marked slow or gpu        make lint     ruff and types only"
	@echo "make bench               the figures of docs/performance.md   make clean    remove environments and caches"

$(VENV)/.stamp: $(BUILT_FROM)
	$(call make_environment,$(VENV),.)
	@touch $@

$(TEST_VENV)/.stamp: $(BUILT_FROM)
	$(call make_environment,$(TEST_VENV),".[train$(comma)cluster$(comma)live$(comma)wandb$(comma)dev]")
	@touch $@

comma := ,
# $(1): folder, $(2): what to install
define make_environment
	@if [ -z "$(PYTHON)" ]; then \
		echo "farandole needs Python 3.10 or newer with the venv module (Debian: apt-get install python3-venv);" \
		     "name one with make PYTHON=/path/to/python3" >&2; exit 2; fi
	@echo "setting up $(1) (first time only)"
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python $(PIP) --editable $(2)
endef

ifeq ($(strip $(SONG)),)
DANCE_SONG := $(OUT)/demo.flac
$(DANCE_SONG): $(VENV)/.stamp
	@$(BIN)/farandole compose --bpm 104 --seconds 60 --seed 1 -o $@ --force
else
DANCE_SONG := $(SONG)
endif

dance: $(VENV)/.stamp $(if $(strip $(SONG)),,$(DANCE_SONG))
	@$(BIN)/farandole dance "$(DANCE_SONG)" -o "$(OUT)/" --force

lint: $(TEST_VENV)/.stamp
	@$(TEST_BIN)/ruff check .
	@$(TEST_BIN)/ruff format --check .
	@$(TEST_BIN)/pyright --level error --pythonpath $(TEST_BIN)/python
	@$(TEST_BIN)/python hatch_build.py --check

# The page is tested in a real browser: Debian's chromium, installed here where that is allowed.
.PHONY: browser
browser:
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || \
	command -v google-chrome >/dev/null 2>&1 || { command -v apt-get >/dev/null 2>&1 && { \
		if [ "$$(id -u)" = 0 ]; then as_root=; else as_root="sudo -n"; fi; \
		echo "installing chromium for the browser tests"; \
		$$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends chromium \
			>/dev/null; } } || \
	echo "no chromium and no permission to install it: browser tests will be skipped" >&2

# The wheel in an environment with the core dependencies alone, where no source tree can help it.
.PHONY: wheel
wheel: $(TEST_VENV)/.stamp
	@rm -rf build/wheel build/core
	@$(TEST_BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir build/wheel .
	@$(TEST_BIN)/python -m venv build/core
	@build/core/bin/python $(PIP) build/wheel/*.whl
	@cd build && core/bin/python -I ../tests/installed_package.py

test: browser lint wheel
	@$(TEST_BIN)/python -m pytest --durations=10 --numprocesses=auto --maxprocesses=4 --dist=loadfile

test-slow: browser $(TEST_VENV)/.stamp
	@$(TEST_BIN)/python -m pytest -m "slow or gpu" --durations=10

format: $(TEST_VENV)/.stamp
	@$(TEST_BIN)/ruff check --fix --quiet .
	@$(TEST_BIN)/ruff format --quiet .

bench: $(TEST_VENV)/.stamp
	@for script in benchmarks/*.py; do echo "== $$script"; $(TEST_BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) $(TEST_VENV) build dist .pytest_cache .ruff_cache .hypothesis src/farandole/view/assets web/node_modules
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
