#!/bin/sh
# Make the virtual environment that the Makefile uses: tools/bootstrap.sh FOLDER LOCK
set -eu
folder=$1
lock=$2

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is missing; install it and try again." >&2
    exit 1
fi
if [ ! -x "$folder/bin/pip" ]; then
    if ! "$python" -m venv "$folder" >/dev/null 2>&1; then
        rm -rf "$folder"
        if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
            apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
        fi
        if ! "$python" -m venv "$folder"; then
            rm -rf "$folder"
            echo "Python's venv module is missing; install the package python3-venv." >&2
            exit 1
        fi
    fi
fi
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation -e .
