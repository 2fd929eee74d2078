#!/bin/sh
# Builds guest.py into py.wasm: tests/conformance/guests/py/build.sh [folder to build in]
# Needs Python 3.10 or later. The toolchain is fetched once, into the folder built in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wit=$(cd "$here/../../../../wit" && pwd)
out=${1:-$here/../../../../target/conformance/py}
mkdir -p "$out/app"
cp "$here/guest.py" "$out/app"
cd "$out"
[ -x venv/bin/componentize-py ] || {
    python3 -m venv venv
    venv/bin/pip install --quiet --disable-pip-version-check componentize-py==0.25.1
}
venv/bin/componentize-py --quiet --wit-path "$wit" --world sync-guest-blocking \
    componentize --python-path app --output py.wasm guest
echo "$out/py.wasm"
