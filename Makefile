# Two commands for a fresh machine with Python 3.11 or newer:  make book   and   make test
# Both set up .venv from requirements.lock first, once. `make help` lists the rest.

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup test book export chapters site lock clean

PYTHON ?= python3
PY := .venv/bin/python
T2I := .venv/bin/t2ibook
TRAINING := $(sort $(patsubst nbs/train/%.ipynb,%,$(wildcard nbs/train/[a-z]*.ipynb)))
CHAPTERS := $(sort $(wildcard nbs/index.ipynb nbs/[0-9]*.ipynb)) $(TRAINING:%=nbs/train/%.ipynb)
ARGS ?=
# each recipe below is one bash script that stops at the first failure and can say how long it took
START := set -euo pipefail; SECONDS=0
took = echo "$(1) took $$((SECONDS / 60)) min $$((SECONDS % 60)) s"

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name what; do printf '%-10s%s\n' "$$name" "$$what"; done

setup: .venv/.ready ## create .venv from requirements.lock

# done again when the lock or the package's description changes; uv is only for speed, pip does the same
.venv/.ready: requirements.lock pyproject.toml
	@$(START); \
	if [ ! -x $(PY) ]; then \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed and %s is %s; say which to use, for example: make PYTHON=python3.12 test" % (sys.executable, sys.version.split()[0]))'; \
		$(PYTHON) -m venv .venv; \
	fi; \
	if $(PY) -m pip install -q --disable-pip-version-check uv; \
	then install="$(PY) -m uv pip install -q --python $(PY)"; \
	else install="$(PY) -m pip install -q --disable-pip-version-check"; fi; \
	echo "installing the packages of requirements.lock into .venv (about 6 GB on Linux; some minutes)"; \
	$$install -r requirements.lock; \
	$$install --no-deps --no-build-isolation -e .; \
	$(PY) -m ipykernel install --sys-prefix --name python3 --display-name python3 > /dev/null; \
	touch $@; \
	$(call took,the set-up)

test: .venv/.ready ## check that notebooks, library and outputs agree, then run all tests
	@$(START); \
	$(PY) -m t2ibook.book check; \
	.venv/bin/ruff check; \
	OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --maxprocesses 8 --dist loadfile --durations=15 $(ARGS); \
	$(call took,make test)

book: .venv/.ready ## run every training notebook at the smoke profile, draw from typed captions, build the site
	@$(START); \
	rm -rf _book; mkdir _book; \
	for system in $(TRAINING); do \
		echo "== $$system"; \
		$(T2I) train "$$system" --profile smoke --out "_book/smoke/$$system"; \
	done; \
	if [ -f nbs/train/imagination.ipynb ]; then \
		echo "== imagination, on real handwritten digits"; \
		$(T2I) train imagination --data digits --profile smoke --out _book/smoke/imagination-digits; \
	fi; \
	$(T2I) draw "pip is running on the beach" "lulu and bruno are friends. lulu is reading in the house." "zaza is jumping in the snow" "tika sleeps at night" -o _book/drawn.png; \
	$(T2I) draw "the digit seven" "a handwritten three" --data digits -o _book/digits.png; \
	$(T2I) site --no-serve --out _site; \
	echo; \
	echo "runs of the training notebooks   _book/smoke/"; \
	echo "drawn from typed captions        _book/drawn.png, _book/digits.png"; \
	echo "the book                         _site/index.html"; \
	$(call took,make book)

export: .venv/.ready ## write library, tests and _quarto.yml from the notebooks
	$(PY) -m t2ibook.book export
	$(PY) -m t2ibook.site config

chapters: .venv/.ready ## execute all chapters top to bottom and save their outputs
	@$(START); \
	for chapter in $(CHAPTERS); do $(PY) -m t2ibook.book run "$$chapter"; done; \
	$(call took,make chapters)

site: .venv/.ready ## build the site from the saved notebooks
	@$(START); $(PY) -m t2ibook.site build _site; $(call took,make site)

# torch 2.13.0 must not be locked: it can resolve to a CPU-only build whose torchvision cannot be imported
lock: .venv/.ready ## resolve requirements.lock again from pyproject.toml
	$(PY) -m uv pip compile --universal --python-version 3.11 pyproject.toml --extra book --extra docs --extra dev \
		--upgrade --no-emit-index-url --no-header -q -o requirements.lock
	@if grep -q '^torch==2\.13\.0' requirements.lock; then echo "torch 2.13.0 does not go with torchvision; lock another"; exit 1; fi

clean: ## remove everything that can be made again, except .venv and runs
	rm -rf _book _site .quarto build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name .venv -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -exec rm -rf {} +
