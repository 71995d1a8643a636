#!/usr/bin/env bash
# Checks the style of all Swift files by the rules in .swift-format; `make format` mends most of what it finds.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
swift format lint --strict --parallel --recursive Sources Tests Benchmarks Fuzz Package.swift
