# The commands people and CI both run. Each makes .venv where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NATIVE := $(shell find native -name '*.cpp' -o -name '*.hpp' -o -name 'CMakeLists.txt')
CXX_FILES := $(shell find native -name '*.cpp' -o -name '*.hpp')
JOBS ?= 2

.PHONY: demo test test-all test-numerics test-native count-instructions check format bench clean

demo: $(VENV)/.installed  ## install, then fit the built-in house prices
	$(BIN)/descend fit houses

test: $(VENV)/.test  ## the tests, a sample of the large crosses included
	$(BIN)/python -m pytest -n $(JOBS) -m "not full"

test-all: $(VENV)/.test  ## the whole of the crosses too
	$(BIN)/python -m pytest -n $(JOBS)

# Sums of OpenBLAS round otherwise on other processors; what tests expect must not depend on that.
test-numerics: $(VENV)/.test  ## the solvers' tests once more, with another processor's kernels of OpenBLAS
	OPENBLAS_CORETYPE=Haswell $(BIN)/python -m pytest -n $(JOBS) -m "not full" \
	  tests/solvers tests/properties tests/agreement/test_nist.py tests/estimators

test-native: $(VENV)/.test  ## the native engine's own tests; SANITIZE=thread or address,undefined
	$(BIN)/cmake -S . -B build/native-$(or $(SANITIZE),plain) -G Ninja -DDESCEND_NATIVE_TESTS=ON \
	  -DDESCEND_SANITIZE=$(SANITIZE) -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja
	$(BIN)/cmake --build build/native-$(or $(SANITIZE),plain)
	build/native-$(or $(SANITIZE),plain)/native_tests

count-instructions: $(VENV)/.test  ## of a training step with AVX2, by valgrind
	$(BIN)/cmake -S . -B build/native-plain -G Ninja -DDESCEND_NATIVE_TESTS=ON \
	  -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja
	$(BIN)/cmake --build build/native-plain --target native_steps
	$(BIN)/python benchmarks/instructions.py build/native-plain/native_steps

check: $(VENV)/.check  ## formatting, lint, types, import contract
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run -Werror $(CXX_FILES)

format: $(VENV)/.check  ## put everything into the agreed form
	$(BIN)/ruff format src tests benchmarks docs
	$(BIN)/ruff check --fix src tests benchmarks docs
	$(BIN)/clang-format -i $(CXX_FILES)

bench: $(VENV)/.installed  ## descend timed beside what is installed
	$(BIN)/descend bench

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip

# Editable: changed Python files count at once, changed C++ files are compiled again here.
$(VENV)/.installed: pyproject.toml CMakeLists.txt $(NATIVE) | $(VENV)/bin/python
	@echo "Installing descend and what it needs; the native engine is compiled (a minute or two) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test
	@touch $@

$(VENV)/.check: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test --group check
	@touch $@
