# make book | notebooks | readme | test | lab | serve | measure | clean | help
#
# Every target sets up .venv by itself, and only when pyproject.toml or constraints.txt changed.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup book notebooks test lab serve measure clean readme

# The first interpreter that really runs and is new enough; the exact versions in constraints.txt were tested on 3.11.
CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo $$p; break; }; done)

VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.hsrnn-installed
PORT ?= 8000
CONSTRAINTS ?= constraints.txt
PIP := $(RUN) -m pip --disable-pip-version-check --no-input

help: ## show this help
	@echo "hsrnn: a book and a package on structure one can see"; echo
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20
	@echo; echo "  make notebooks NAMES=book/hmrnn/02-the-cell.py   one chapter;   FORCE=1: even when current"
	@echo "  make test ARGS='tests/hmrnn -x'                  some of the tests"
	@echo "  make test ARGS='-n 0'                            in one process, not in one for each processor"

setup: $(STAMP) ## create .venv and install the project into it (all targets do)

$(STAMP): pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found among: $(CANDIDATES)."; \
	  echo "      Install Python 3.11 (with venv and pip), or name one: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "make: $(PYTHON) is older than Python 3.11"; exit 1; }
	@if ! $(RUN) -m pip --version >/dev/null 2>&1; then \
	  echo "[setup] 1/3 creating $(VENV) with $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv --clear $(VENV) || { echo "make: $(PYTHON) cannot create a virtual environment;" \
	    "on Debian and Ubuntu install the package python3-venv"; exit 1; }; \
	else echo "[setup] 1/3 using $(VENV) ($$($(RUN) --version))"; fi
	@echo "[setup] 2/3 installing the versions in $(CONSTRAINTS) (the first time: several minutes, about 1.5 GB)"
	@for try in 1 2 3; do \
	  $(PIP) -qq install --retries 5 -c $(CONSTRAINTS) -e '.[book,test]' && break; \
	  [ $$try = 3 ] && { echo "make: pip failed three times, see above"; exit 1; }; \
	  echo "[setup]     pip failed, trying again ($$try of 3)"; sleep 5; done
	@echo "[setup] 3/3 checking"
	@$(RUN) -c 'import hsrnn, torch; print(f"[setup] hsrnn {hsrnn.__version__}, torch {torch.__version__}")'
	@touch $(STAMP)

book: $(STAMP) ## execute the chapters and build the site; prints the page to open
	@$(RUN) tools/make_book.py

notebooks: $(STAMP) ## execute changed chapter sources (book/**/*.py) into the notebooks beside them
	@$(RUN) tools/make_notebooks.py $(NAMES)

readme: $(STAMP) ## renew README.md: the picture by the shipped model, the results from the ledger
	@$(RUN) tools/make_readme.py

test: $(STAMP) ## unit tests, every notebook against its stored outputs, the site in a browser
	@$(RUN) tools/make_test.py $(ARGS)

# In a notebook that is not trusted JupyterLab shows a living figure's picture only, until its cell is run.
lab: $(STAMP) ## JupyterLab with sources and notebooks paired, opened at the introduction
	@find book -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' -exec $(VENV)/bin/jupyter trust {} + >/dev/null
	@$(VENV)/bin/jupyter lab --ServerApp.root_dir="$(CURDIR)" book/intro.ipynb

serve: $(STAMP) ## serve the built site at http://127.0.0.1:8000 (PORT=... for another port)
	@test -f _build/html/index.html || $(RUN) tools/make_book.py
	@echo "[serve] http://127.0.0.1:$(PORT)/book/intro.html   (stop with Ctrl-C)"
	@$(RUN) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

measure: $(STAMP) ## weight and speed of every page of the built site on a slow line (ARGS='--json FILE')
	@test -f _build/html/index.html || $(RUN) tools/make_book.py
	@$(RUN) tools/measure_pages.py $(ARGS)

clean: ## remove what was built: the site, its caches, node_modules; .venv stays
	@rm -rf _build node_modules book/_static/mathjax .pytest_cache .hypothesis .import_linter_cache
	@find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -print0 | xargs -0 rm -rf
	@echo "[clean] done ($(VENV) stays; remove it by hand for a new one)"
