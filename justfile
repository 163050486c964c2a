# The commands people type; `just` alone lists them. Each is one line that works without `just` too.

_:
    @just --list

# start the server on http://127.0.0.1:8000
serve:
    cargo run --release

# a session from the samples
demo:
    cargo run --release -- demo

# fast: what needs nothing installed
test *filter:
    cargo test --workspace {{filter}}

# everything, services included
test-all:
    scripts/test

# what CI runs
ci:
    .ci/run

# format and lint
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --features pgwire -- -D warnings

# accept changed snapshots of the API document, and write the pages of error codes and of metrics
snapshots:
    INSTA_UPDATE=always cargo test --test it -- openapi codes documents

# instructions of the pure path against the recorded ones
instructions:
    scripts/instructions

# another build against this one, in turns: just turns OLD NEW
turns old new:
    scripts/turns {{old}} {{new}}

# one binary for packages and images
dist:
    cargo build --profile dist
