#!/usr/bin/env bash
# Runs this package's tests with the Python given, in which httpx is installed: ./run-tests.sh [python3]
set -euo pipefail
cd "$(dirname "$0")"
PYTHONPATH=src exec "${1:-python3}" -W error::SyntaxWarning -m unittest discover -s tests
