# The front door for people. What needs more than a line of shell is `cargo xtask`.

.DEFAULT_GOAL := help
.PHONY: help run test check bench fuzz generate fmt setup tools

# Where rustup puts cargo, for shells that were opened before it did.
export PATH := $(PATH):$(HOME)/.cargo/bin
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: tools ## build the release and serve on localhost; ARGS="--data-dir d" passes options on
	@cargo build --release --package interven
	@exec "$(CARGO_TARGET_DIR)/release/interven" serve $(ARGS)

test: setup ## run every test, and end with one line that counts them
	@cargo xtask test

check: setup ## format, lints, house rules, layer order and unit tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@cargo xtask tidy
	@cargo xtask arrows
	@cargo xtask test-fast

bench: tools ## measure this machine and print the tables
	@cargo build --release --package bench --package interven
	@"$(CARGO_TARGET_DIR)/release/bench" $(ARGS)
	@exec "$(CARGO_TARGET_DIR)/release/classify"

fuzz: tools ## feed every fuzz target for 30 seconds; ARGS="--seconds 600 redact" for longer or fewer
	@cargo xtask fuzz $(ARGS)

generate: tools ## write the API descriptions, the policy schema and the lists of detectors and packs anew from the code
	@cargo build --package interven
	@mkdir -p docs/openapi
	@"$(CARGO_TARGET_DIR)/debug/interven" openapi > docs/openapi/gateway.json
	@"$(CARGO_TARGET_DIR)/debug/interven" openapi --telemetry > docs/openapi/telemetry.json
	@"$(CARGO_TARGET_DIR)/debug/interven" policy schema > docs/policy.schema.json
	@"$(CARGO_TARGET_DIR)/debug/interven" detectors page > docs/detectors.md
	@"$(CARGO_TARGET_DIR)/debug/interven" policy schema --page > docs/policy-reference.md
	@"$(CARGO_TARGET_DIR)/debug/interven" policy packs --page > docs/packs.md

fmt: tools ## format the sources
	cargo fmt --all

setup: tools ## name what a build needs and this machine lacks; as root on Debian, install it
	@cargo xtask setup

# Cargo and a C compiler come before anything that is written in Rust: the compiler links, and builds SQLite.
tools:
	@command -v cargo >/dev/null \
		|| { echo 'missing: cargo of Rust 1.95 or newer: install it from https://rustup.rs' >&2; exit 1; }
	@command -v cc >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			&& apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev; } \
		|| { echo 'missing: cc, a C compiler: `apt install gcc libc6-dev`, `dnf install gcc` or `xcode-select --install`' >&2; exit 1; }
