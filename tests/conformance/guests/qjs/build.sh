#!/bin/sh
# Builds guest.js into qjs.wasm: tests/conformance/guests/qjs/build.sh [folder to build in]
# Needs Node 18 or later. The toolchain is fetched once, into the folder built in.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wit=$(cd "$here/../../../../wit" && pwd)
out=${1:-$here/../../../../target/conformance/qjs}
mkdir -p "$out"
cp "$here/package.json" "$here/guest.js" "$out"
cd "$out"
[ -x node_modules/.bin/componentize-qjs ] || npm install --no-package-lock --no-audit --no-fund --loglevel=error
# Not --sync: that runtime takes no async `run`, and drops what is awaited.
node_modules/.bin/componentize-qjs --wit "$wit" --world sync-guest --js guest.js --output qjs.wasm
echo "$out/qjs.wasm"
