#!/bin/sh
# Build built/editor.js from src.js with the exact versions of package.json. Needs npm; what it
# writes is committed, so that nothing else does.
set -eu
cd "$(dirname "$0")"
npm ci --silent --no-audit --no-fund
npx esbuild src.js --bundle --format=esm --minify --target=es2022 --legal-comments=none \
  --charset=utf8 --outfile=built/editor.js
node licences.mjs > THIRD_PARTY_LICENSES.md
rm -r node_modules
