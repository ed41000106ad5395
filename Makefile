# Each target sets up .venv by itself; the second time that costs nothing.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# More than cores: a test mostly waits for its servers.
WORKERS ?= 4

.PHONY: demo test lint laws clean

.venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "lockkeeper needs Python 3.11 or newer; on Debian: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing lockkeeper into .venv (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/lockkeeper demo $(if $(AUTO),--auto)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/mypy

# The tests run the command some hundred times: compiled once, it starts in half the time.
test: lint
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n $(WORKERS) --dist worksteal

# Every stopping point of every case, and 2,000 cases drawn at random; nightly, for it takes its time.
laws: $(STAMP)
	@LOCKKEEPER_ALL_STOPS=1 LOCKKEEPER_GENERATED=2000 $(BIN)/pytest -n $(WORKERS) --dist worksteal tests/laws

clean:
	rm -rf .venv .home build *.egg-info
