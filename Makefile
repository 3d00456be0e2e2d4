# Starhash. `make run` and `make test` need Python 3.11 or newer and nothing else; `make help` lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test check check-django bench requirements clean install-local install-dev

PY := .venv/bin/python
PYTHONS := $(or $(PYTHON),python3.11 python3 python3.12 python3.13)
PROCESSES = $$($(PY) -c 'import os; print(min(4, max(2, os.cpu_count() or 2)))')
COMPILE := .venv/bin/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url \
	--python-version 3.11 --quiet

# Production settings refuse to start without these; the keys come from `local exec`.
PRODUCTION := DJANGO_SETTINGS_MODULE=config.settings.production ALLOWED_HOSTS=starhash.example \
	PUBLIC_URL=https://starhash.example TRUSTED_PROXIES=1 SANDBOX=0

# The first Python that is new enough makes .venv and installs; a second run sees that nothing changed.
define INSTALL
@for python in $(PYTHONS); do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		exec $$python local/install.py $(1); \
	fi; \
done; \
echo "starhash: no Python 3.11 or newer found ($(PYTHONS)): install one, or set PYTHON to it" >&2; exit 1
endef

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: install-local ## start everything with demo data: web, worker, beat, sandbox and their servers
	@exec $(PY) -m local

test: install-dev ## run the tests on servers of their own; ARGS="tests/promos -x" goes to pytest
	@exec $(PY) -m local exec --throwaway -- \
		$(PY) -m pytest -n $(PROCESSES) --dist worksteal $(ARGS)

check: install-dev ## lint, format, types, import contracts, missing migrations, deploy checks
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	@exec $(PY) -m local exec --fresh -- $(MAKE) --no-print-directory check-django

# What loads the settings, and so needs the servers' addresses.
check-django:
	.venv/bin/mypy .
	DJANGO_SETTINGS_MODULE=config.settings.test $(PY) manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=config.settings.test $(PY) manage.py check
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

bench: install-dev ## run the benchmarks; ARGS goes to them
	@exec $(PY) -m local exec --data .local/bench -- $(PY) -m benchmarks $(ARGS)

requirements: install-dev ## pin requirements/*.in anew, with hashes
	for name in base local dev production; do \
		$(COMPILE) requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean: ## remove .venv, caches, and the data of tests and benchmarks; the data of `make run` stay
	for note in .local/test/servers-place .local/bench/servers-place; do \
		if [ -f "$$note" ]; then rm -rf "$$(cat "$$note")"; fi; \
	done
	rm -rf .venv .local/test .local/bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

install-local:
	$(call INSTALL,local)

install-dev:
	$(call INSTALL,dev)
