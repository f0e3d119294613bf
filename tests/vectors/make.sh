#!/usr/bin/env bash
# Makes every vector anew with the real tools: new keys, new ciphertexts, the expectations taken from what the tools did.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${ENVDRIFT_TOOLS_DIR:-$here/../../target/tools}

"$here/../tools.sh" dotenvx sops age
tools=$(cd "$tools" && pwd)
export PYTHONDONTWRITEBYTECODE=1
python3 "$here/make_dotenvx.py" "$tools" "$here/dotenvx"
python3 "$here/make_sops.py" "$tools" "$here/sops"
