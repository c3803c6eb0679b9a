# make dance [SONG=path]   a dance for the song (or for one composed on the spot) in ./dances
# make test                lint, types, the wheel and all tests, in an environment with every extra
# make docs                the documentation in build/site, checked, nothing loaded from elsewhere
# Environments are made on first use and reused until pyproject.toml, constraints.txt or the viewer's sources change.

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.10 python,$(shell command -v $(p) >/dev/null 2>&1 && \
	$(p) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && echo $(p))))
VENV := .venv
TEST_VENV := .venv-test
BIN := $(VENV)/bin
TEST_BIN := $(TEST_VENV)/bin
DOCS_VENV := .venv-docs
RELEASE_VENV := .venv-release
BUILT_FROM := pyproject.toml constraints.txt $(wildcard hatch_build.py web/package.json web/package-lock.json) $(shell find web/src -type f 2>/dev/null)
# What is imported is compiled then: most modules never are.
PIP := -m pip --disable-pip-version-check install --quiet --quiet --no-compile --constraint constraints.txt
OUT ?= dances
SONG ?=
# Where a shell forbids to keep what is compiled, every process compiles all that it imports: torch and Lightning for 16 s.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help dance test test-slow test-matrix lint format bench docs release-check clean
.SUFFIXES:
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))
	@echo "make addon               the Blender add-on as a zip, in ./dist"
	@echo "make test-slow           tests marked slow or gpu        make lint     ruff and types only"
	@echo "make test-matrix         tests with the oldest and the newest dependencies allowed (MATRIX=oldest|newest)"
	@echo "make bench               the figures of docs/performance.md   make clean    remove environments and caches"
	@echo "make release-check       sdist and wheel, built twice, checked, installed, run; build/sbom.json"

$(VENV)/.stamp: $(BUILT_FROM)
	$(call make_environment,$(VENV),.)
	@touch $@

$(TEST_VENV)/.stamp: $(BUILT_FROM)
	$(call make_environment,$(TEST_VENV),".[train$(comma)cluster$(comma)live$(comma)wandb$(comma)dev]")
	@touch $@

$(DOCS_VENV)/.stamp: $(BUILT_FROM)
	$(call make_environment,$(DOCS_VENV),".[docs]")
	@touch $@

# Tools alone: the package is installed from its wheel, into another environment.
$(RELEASE_VENV)/.stamp: pyproject.toml constraints.txt
	$(call make_environment,$(RELEASE_VENV),)
	@$(RELEASE_VENV)/bin/python $(PIP) build twine cyclonedx-bom
	@touch $@

comma := ,
# $(1): folder, $(2): what to install
define make_environment
	@if [ -z "$(PYTHON)" ]; then \
		echo "farandole needs Python 3.10 or newer with the venv module (Debian: apt-get install python3-venv);" \
		     "name one with make PYTHON=/path/to/python3" >&2; exit 2; fi
	@echo "setting up $(1) (first time only)"
	@$(PYTHON) -m venv $(1)
	$(if $(2),@$(1)/bin/python $(PIP) --editable $(2))
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

# The Blender add-on is tested in a real Blender: Debian's, installed here where that is allowed. Its importers want numpy.
.PHONY: blender addon
blender:
	@command -v blender >/dev/null 2>&1 || { command -v apt-get >/dev/null 2>&1 && { \
		if [ "$$(id -u)" = 0 ]; then as_root=; else as_root="sudo -n"; fi; \
		echo "installing Blender for the tests of the add-on"; \
		$$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends \
			blender python3-numpy >/dev/null; } } || \
	echo "no Blender and no permission to install it: tests of the add-on inside Blender will be skipped" >&2

addon:
	@$(if $(PYTHON),$(PYTHON),python3) blender/build_zip.py dist

# The wheel in an environment with the core dependencies alone, where no source tree can help it.
.PHONY: wheel
wheel: $(TEST_VENV)/.stamp
	@rm -rf build/wheel build/core
	@$(TEST_BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir build/wheel .
	@$(TEST_BIN)/python -m venv build/core
	@build/core/bin/python $(PIP) build/wheel/*.whl
	@cd build && core/bin/python -I ../tests/installed_package.py

# What comes before the tests runs side by side, as the tests do.
# One thread for each worker: threads of several workers would wait for each other on the same cores.
test:
	@$(MAKE) --no-print-directory --jobs=2 browser lint wheel
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(TEST_BIN)/python -m pytest --durations=10 --numprocesses=auto --maxprocesses=4 --dist=loadfile

test-slow: browser blender $(TEST_VENV)/.stamp
	@OPENBLAS_NUM_THREADS=1 $(TEST_BIN)/python -m pytest -m "slow or gpu" --durations=10

# Each set in an environment of its own under build/: the oldest releases that pyproject.toml allows, on the oldest Python that
# is here; the newest that pip finds, on the newest Python.
MATRIX ?= oldest newest
MATRIX_EXTRAS ?= train,cluster,live,dev
MATRIX_TESTS ?= not slow and not gpu and not browser
# the first of these Pythons that runs, by name or as pyenv keeps them
first_python = $(firstword $(foreach p,$(foreach v,$(1),python$(v) $(wildcard $(HOME)/.pyenv/versions/$(v).*/bin/python)),\
	$(shell $(p) -c 'import venv, ensurepip' >/dev/null 2>&1 && echo $(p))) $(PYTHON))
oldest_python = $(call first_python,3.10 3.11 3.12 3.13 3.14)
newest_python = $(call first_python,3.14 3.13 3.12 3.11 3.10)
test-matrix: $(addprefix matrix-,$(MATRIX))

.PHONY: matrix-oldest matrix-newest
matrix-oldest matrix-newest: matrix-%:
	@mkdir -p build && rm -rf build/matrix-$*
	@$($*_python) -m venv build/matrix-$*
	@build/matrix-$*/bin/python -m pip install --quiet --quiet tomli
	@: > build/matrix-$*.txt
	@$(if $(filter oldest,$*),build/matrix-$*/bin/python tools/oldest_versions.py train cluster live > build/matrix-$*.txt)
	@build/matrix-$*/bin/python -m pip --disable-pip-version-check install --quiet --quiet --constraint build/matrix-$*.txt \
		--editable ".[$(MATRIX_EXTRAS)]"
	@build/matrix-$*/bin/python -m pip list 2>/dev/null | grep -iE "^(numpy|scipy|torch|lightning|onnxruntime|av|typer|pydantic) "
	@build/matrix-$*/bin/python -m pytest -q -m "$(MATRIX_TESTS)" -p no:cacheprovider --numprocesses=auto --maxprocesses=4 --dist=loadfile

docs: $(DOCS_VENV)/.stamp
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict
	@$(DOCS_VENV)/bin/python tools/check_site.py build/site

release-check: $(RELEASE_VENV)/.stamp
	@$(RELEASE_VENV)/bin/python tools/release_check.py

format: $(TEST_VENV)/.stamp
	@$(TEST_BIN)/ruff check --fix --quiet .
	@$(TEST_BIN)/ruff format --quiet .

bench: $(TEST_VENV)/.stamp
	@for script in benchmarks/*.py; do echo "== $$script"; $(TEST_BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) $(TEST_VENV) $(DOCS_VENV) $(RELEASE_VENV) build dist .pytest_cache .ruff_cache .hypothesis src/farandole/view/assets web/node_modules
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
