# `make demo` and `make test` are the two commands to know; `make help` lists the others.
# Every goal does its own set-up: missing system packages, release build, weights. What is there already costs nothing.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

SWIFT ?= swift
PYTHON ?= python3
# One of the examples: a picture and a question of the same name.
PUZZLE ?= venn
# Through the environment, so that quotes in it mean nothing to the shell.
export QUESTION ?= Tom has 3 boxes with 12 pencils each. He gives away 7 pencils. How many pencils are left?
# One of the models that scripts/fetch-model knows: smollm2-135m-instruct and qwen2.5-coder-0.5b-instruct are smaller.
export MODEL ?= qwen2.5-coder-1.5b-instruct
BENCH_OPTIONS ?=
# Where `make install` puts the tools; packagers set DESTDIR as well.
PREFIX ?= /usr/local
export DESTDIR ?=

binaries := .build/release
# Stamps rather than the binaries: the linker leaves a binary alone when a change does not reach it.
release := .build/make/release
demo_tool := .build/make/demo
run_tool := .build/make/emllm-run
convert_tool := .build/make/emllm-convert
bench_tool := .build/make/emllm-bench
# Some tests look behind the public interface (@testable), which the libraries must be compiled for. Such a build has a
# folder of its own, so that it and the one that users get do not take turns recompiling everything. The documentation
# is made from what this build leaves in $(symbol_graphs), so that nothing is compiled for it.
symbol_graphs := .build-test/symbol-graphs
# Inlining across modules (CMO) takes up to a third of a module's compile time, and tests gain nothing by it.
test_options := -c release -Xswiftc -enable-testing -Xswiftc -disable-cmo --scratch-path .build-test \
	-Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc $(CURDIR)/$(symbol_graphs) \
	-Xswiftc -emit-extension-block-symbols
test_binaries := .build-test/release
sources := Package.swift $(shell find Sources Examples -name '*.docc' -prune -o -print)
smollm2_reference := Tests/EMLLMCoreTests/Fixtures/smollm2/reference.json

.PHONY: help
help: ## List the goals
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(demo_tool) ## Answer a question about a picture (PUZZLE), step by step, each step judged by the model itself
	@example=Examples/puzzles/$(PUZZLE) && \
	echo "emllm-run --image $$example.png --show-steps < $$example.txt" && cat "$$example.txt" && \
	.build/debug/emllm-run --image "$$example.png" --show-steps < "$$example.txt"

.PHONY: demo-text
demo-text: $(run_tool) $(convert_tool) ## Answer QUESTION with MODEL, a chat model that is fetched once (1.1 GB)
	@model=$$(scripts/fetch-model "$$MODEL" $(binaries)/emllm-convert) && \
	echo "emllm-run --model $$MODEL --show-steps \"$$QUESTION\"" && \
	$(binaries)/emllm-run --model "$$model" --show-steps "$$QUESTION"

.PHONY: test
test: lint unit-tests fuzz ## Everything that checks the code: lint, all tests with the real model, fuzzing with AddressSanitizer

.PHONY: build
build: $(release) ## Build the command-line tools into .build/release

$(release): $(sources)
	@scripts/install-system-packages build
	$(SWIFT) build -c release
	mkdir -p $(@D)
	touch $@

# The demo wants to be seen soon: a debug build takes half the time of a release build. With optimized kernels its answer
# takes half a second longer.
$(demo_tool): $(sources)
	@scripts/install-system-packages build
	$(SWIFT) build --product emllm-run -Xcc -O2
	mkdir -p $(@D)
	touch $@

# One tool, without what only the others need.
.build/make/emllm%: $(sources)
	@scripts/install-system-packages build
	$(SWIFT) build -c release --product $(@F)
	mkdir -p $(@D)
	touch $@

.PHONY: install
install: $(release) ## Put programs, model, completions and man pages below PREFIX (/usr/local)
	@scripts/install $(binaries) "$(PREFIX)"

.PHONY: uninstall
uninstall: ## Take away what install put below PREFIX
	@scripts/install --uninstall "$(PREFIX)"

.PHONY: unit-tests
unit-tests: ## The tests alone
	@scripts/install-system-packages build
	$(SWIFT) build $(test_options) --build-tests
	@model=$$(scripts/fetch-model smollm2-135m-instruct $(test_binaries)/emllm-convert) && \
	EMLLM_TEST_SMOLLM2="$$model" $(SWIFT) test $(test_options) --skip-build --disable-xctest

.PHONY: fuzz
fuzz: ## The fuzz tests of the file readers, under AddressSanitizer where the toolchain has it
	@scripts/install-system-packages build
	scripts/fuzz

.PHONY: lint
lint: ## Check the formatting of Swift code, and the shell scripts where shellcheck is installed
	@scripts/lint

.PHONY: docs
docs: ## Build the DocC documentation from what the tests' build left; a warning is an error
	@scripts/install-system-packages build
	$(SWIFT) build $(test_options)
	scripts/docs $(symbol_graphs)

.PHONY: check-consumer
check-consumer: ## Build a package that depends on this checkout, with nothing compiled that only the tools need
	@scripts/install-system-packages build
	scripts/check-consumer

.PHONY: bench
bench: $(bench_tool) $(convert_tool) ## Measure speed, load time and memory (BENCH_OPTIONS="-r 10 --json")
	@model=$$(scripts/fetch-model smollm2-135m-instruct $(binaries)/emllm-convert) && \
	$(binaries)/emllm-bench llm --model "$$model" $(BENCH_OPTIONS) && \
	$(binaries)/emllm-bench load --model "$$model"

.PHONY: fixtures
fixtures: ## Make the SmolLM2 reference anew (PYTHON with torch, transformers, tokenizers and gguf)
	@$(PYTHON) -c 'import gguf, tokenizers, torch, transformers' || \
	{ echo 'make fixtures: expected gguf, tokenizers, torch and transformers in $(PYTHON), found not all of them;' \
	'install them in a virtual environment and pass PYTHON=path' >&2; exit 1; }
	@gguf=$$(scripts/fetch-model smollm2-135m-instruct --gguf .build/make/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf) && \
	$(PYTHON) Tests/Scripts/smollm2_reference.py "$$gguf" $(smollm2_reference)

.PHONY: clean
clean: ## Remove everything that was built; the model cache stays
	rm -rf .build .build-test .build-asan .build-docs
