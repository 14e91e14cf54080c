#!/bin/sh
# usage: venv.sh PYTHON FOLDER LOCK
#
# Makes the virtual environment FOLDER with PYTHON and puts the hashed packages of LOCK into it.
# Debian splits `venv` and `pip` off python3, so each way that a machine may have is tried, and a
# machine that has none is told the one thing to install.
set -eu
python=$1 folder=$2 lock=$3

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
has() { "$python" -c "import $1" 2>/dev/null; }

command -v "$python" >/dev/null 2>&1 ||
    fail "geminid needs Python 3.11 or newer: there is no '$python' here. Another one: make PYTHON=python3.12 serve"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "geminid needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Another one: make PYTHON=python3.12 serve"

# An environment whose Python is gone (the system's was upgraded) cannot be mended, only made again.
[ ! -e "$folder" ] || "$folder/bin/python" -c '' 2>/dev/null || rm -rf "$folder"

set -- install -qq --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r "$lock"
if has ensurepip; then
    "$python" -m venv "$folder"
    "$folder/bin/python" -m pip "$@"
elif has virtualenv; then
    "$python" -m virtualenv --quiet "$folder"
    "$folder/bin/python" -m pip "$@"
elif has pip; then
    "$python" -m venv --without-pip "$folder"
    "$python" -m pip --python "$folder/bin/python" "$@"
else
    fail "This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv. Then again."
fi
