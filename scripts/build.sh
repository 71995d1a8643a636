#!/usr/bin/env bash
# Builds the server: scripts/build.sh debug|release. Prints the binary's path.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/install.sh
. "$ROOT/scripts/lib/install.sh"

configuration=${1:-debug}
require_swift
"$ROOT/scripts/services.sh" install
say "Building ($configuration); the first time takes minutes"
swift build --package-path "$ROOT" --configuration "$configuration" --product timingle >&2
echo "$(swift build --package-path "$ROOT" --configuration "$configuration" --show-bin-path)/timingle"
