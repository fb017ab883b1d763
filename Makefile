# A bare checkout needs make and Python 3.11 or newer; the rest is made here, in .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test faults fuzz coverage mutants bench check messages test-next clean

PYTHON ?= python3
PYTHON_NEXT ?= python3.13
PIP := -m pip install --quiet --disable-pip-version-check --require-hashes
# Extra arguments for pytest: make test ARGS="-k reminder"
ARGS ?=

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

install: .venv/.installed ## Make .venv with what the site needs

run: .venv/.installed ## Start the site with demo data; HOST and PORT say where (127.0.0.1, 8000)
	@.venv/bin/python -m clinic_reminders.local

test: .venv/.installed-dev ## Run all tests, on SQLite and on PostgreSQL; ARGS="-k word" for some
	@.venv/bin/python -m tests.run $(ARGS)

check: .venv/.installed-dev ## Check format, lint, types, import rules, migrations, deployment, advisories
	@.venv/bin/python -m tests.check

messages: .venv/.installed-dev ## Bring the Setswana catalogue up to the code; ARGS=--missing lists what has no translation
	@.venv/bin/python -m tests.translations $(ARGS)

faults: .venv/.installed-dev ## 10,000 texts through each kind of trouble, on both databases; prints one table
	@.venv/bin/python -m tests.faults.run $(ARGS)

fuzz: .venv/.installed-dev ## Call the API with 20,000 invented requests as each role, on PostgreSQL; FUZZ_EXAMPLES=100 for more
	@.venv/bin/python -m tests.fuzz $(ARGS)

coverage: .venv/.installed-dev ## Run all tests on SQLite; statements and branches they pass through
	@.venv/bin/python -m tests.covered $(ARGS)

mutants: .venv/.installed-dev ## Put faults into booking, dispatch and stock; ARGS="booking --most 50" for some
	@.venv/bin/python -m tests.mutation.run $(ARGS)

bench: .venv/.installed-dev ## Measure, each benchmark beside its peer and its limit in one run
	@.venv/bin/python -m bench.run $(ARGS)

test-next: ## Run all tests on the next Django and Python (3.13)
	@"$(PYTHON_NEXT)" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null || { echo "There is no working $(PYTHON_NEXT) here. Install Python 3.13, or say where it is: make test-next PYTHON_NEXT=/path/to/python3.13" >&2; exit 1; }
	@$(MAKE) --no-print-directory .venv-next/.installed
	@.venv-next/bin/python -m tests.run $(ARGS)

clean: ## Remove the virtual environments and caches; data under var/ stays
	rm -rf .venv .venv-next .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say where it is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed: requirements.txt .venv/.created
	@echo "Installing what the site needs"
	@.venv/bin/python $(PIP) -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@echo "Installing what the tests and checks need"
	@.venv/bin/python $(PIP) -r requirements-dev.txt
	@touch $@

.venv-next/.installed: requirements-next.txt
	@echo "Making .venv-next"
	@"$(PYTHON_NEXT)" -m venv .venv-next
	@.venv-next/bin/python $(PIP) -r requirements-next.txt
	@touch $@
