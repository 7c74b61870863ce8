# Every target sets up what it needs in a private .venv; nothing has to be installed by hand but Python 3.11 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MULLE := $(BIN)/mulle
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
WHOLLY_COVERED := src/mulle/document/*,src/mulle/engine/*,src/mulle/sdk/*

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak crash fix serve web lock clean

help:  ## Show what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## Watch a Korean sentence become a workflow that sends a mail, and survive a kill
	@$(MULLE) demo

test: $(READY)  ## Run all tests with coverage
	@$(BIN)/python -m pytest -q -n auto --cov --cov-report=
	@$(BIN)/coverage report --fail-under=85 --format=total
	@$(BIN)/coverage report --fail-under=100 --include='$(WHOLLY_COVERED)'

check: $(READY)  ## Format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports

bench: $(READY)  ## Measure us beside the floors (and the peers where installed)
	@$(BIN)/python bench/run.py

soak: $(READY)  ## Simulate SEEDS worlds full of trouble (a million, unless said), until one breaks a promise
	@$(BIN)/python -m tests.simulation --soak $(or $(SEEDS),1000000) --from $(or $(FROM),0)

crash: $(READY)  ## Kill real processes KILLS times (300, unless said), and tell what the ledgers outside say
	@$(BIN)/python -m tests.crash --kills $(or $(KILLS),300)

fix: $(READY)  ## Let the formatter and the linter mend what they can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve:  ## Start the server (not built yet: says so)
	@echo "The server does not exist yet; see ARCHITECTURE.md, 'What is not done'. make demo shows what does." && exit 1

web:  ## Build the web page (not built yet: says so)
	@echo "The web page does not exist yet; see ARCHITECTURE.md, 'What is not done'." && exit 1

lock: $(READY)  ## Resolve the dependencies anew
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade --extra dev --extra models --extra cluster --extra tracing pyproject.toml -o requirements.lock

clean:  ## Remove the private environment and all caches
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .coverage*

# uv is locked like everything else and ten times as quick; where its index cannot be reached, pip does the same work.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once) …"
	@awk '/^uv==/ {found=1} found && /^[a-z]/ && !/^uv==/ {exit} found' requirements.lock > $(VENV)/uv.lock
	@$(PIP) --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.lock 2>/dev/null \
		|| $(PIP) --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . 2>/dev/null \
		|| $(PIP) --no-deps --no-build-isolation -e .
	@touch $@
