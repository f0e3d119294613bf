#!/usr/bin/env bash
# Puts the real tools that the tests run under target/tools of this checkout, each pinned to one version:
#
#   bin/dotenvx-1.75.1/dotenvx   bin/dotenvx-2.21.0/dotenvx   bin/dotenvx-2.38.2/dotenvx
#   bin/sops-3.13.3/sops         bin/sops-3.9.4/sops          bin/age/{age,age-keygen}
#   py/bin/python                with python-dotenv
#
# A test puts one of the bin folders first in PATH. What is already there is left alone, so a second run costs nothing.
#
# usage: tests/tools.sh [dotenvx] [sops] [age] [python]     (default: all four)
# ENVDRIFT_TOOLS_DIR names another folder than target/tools.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${ENVDRIFT_TOOLS_DIR:-$here/../target/tools}

DOTENVX_VERSIONS=(1.75.1 2.21.0 2.38.2)
SOPS_VERSIONS=(3.13.3 3.9.4)
AGE_VERSION=1.3.1

say() { printf 'tools: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# need PROGRAM WHAT-FOR: stops with the name of the missing prerequisite.
need() {
    command -v "$1" >/dev/null || die "$1 is needed to install $2 and is not on PATH: install $1, then run tests/tools.sh again"
}

# stamped NAME FILE: a stamp is written last, so an install that was cut short is done again. Its name holds what was installed.
stamped() { [[ -e $tools/.stamps/$1 && -e $tools/$2 ]]; }
stamp() { : >"$tools/.stamps/$1"; }

# The folder in which a tool is put together before one rename makes it visible.
fresh_stage() { rm -rf "$tools/.stage-$1" && mkdir -p "$tools/.stage-$1" && printf '%s' "$tools/.stage-$1"; }

install_dotenvx() {
    local name
    name=dotenvx-$(cksum <"$here/tools/package-lock.json")
    name=${name// /-}
    if stamped "$name" "bin/dotenvx-${DOTENVX_VERSIONS[0]}/dotenvx"; then return; fi
    need node dotenvx
    need npm dotenvx
    say "installing dotenvx ${DOTENVX_VERSIONS[*]} with npm"
    local stage
    stage=$(fresh_stage dotenvx)
    cp "$here/tools/package.json" "$here/tools/package-lock.json" "$stage/"
    # No package of the tree needs its install script; none gets to run one.
    (cd "$stage" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || die "npm ci failed: dotenvx is not installed"
    rm -rf "$tools/dotenvx"
    mv "$stage" "$tools/dotenvx"

    local version node
    node=$(node -p process.execPath)
    for version in "${DOTENVX_VERSIONS[@]}"; do
        local bin=$tools/bin/dotenvx-$version entry=dotenvx/node_modules/dotenvx-$version/src/cli/dotenvx.js
        mkdir -p "$bin"
        chmod +x "$tools/$entry"
        # dotenvx asks env for node: with node beside it, this folder alone is a sufficient PATH.
        ln -sfn "$node" "$bin/node"
        ln -sfn "../../$entry" "$bin/dotenvx"
        expect_version "$version" "$bin/dotenvx" --version
    done
    stamp "$name"
}

# go_install FOLDER PACKAGE...: builds into bin/FOLDER; the module checksums come from Go's checksum database.
go_install() {
    local folder=$1 stage
    shift
    need go "$folder"
    say "installing $folder with go install (minutes when Go's caches are cold)"
    stage=$(fresh_stage "$folder")
    # Without a home Go has no caches of its own: then they live in the tools folder and are thrown away below.
    if [[ -z ${HOME:-} ]]; then
        export GOPATH=$tools/.go GOCACHE=$tools/.go/cache GOFLAGS="-modcacherw ${GOFLAGS:-}"
    fi
    # Go names every module it fetches; that is worth reading only if it fails.
    if ! GOBIN=$stage CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "$@" >"$stage.log" 2>&1; then
        tail -n 30 "$stage.log" >&2
        die "go install failed: $folder is not installed"
    fi
    rm "$stage.log"
    mkdir -p "$tools/bin"
    rm -rf "${tools:?}/bin/$folder"
    mv "$stage" "$tools/bin/$folder"
    if [[ -d $tools/.go ]]; then rm -rf "$tools/.go"; fi
}

install_sops() {
    local version
    for version in "${SOPS_VERSIONS[@]}"; do
        if stamped "sops-$version" "bin/sops-$version/sops"; then continue; fi
        go_install "sops-$version" "github.com/getsops/sops/v3/cmd/sops@v$version"
        # Without the flag sops asks the network for a newer version.
        expect_version "$version" "$tools/bin/sops-$version/sops" --version --disable-version-check
        stamp "sops-$version"
    done
}

install_age() {
    if stamped "age-$AGE_VERSION" bin/age/age-keygen; then return; fi
    go_install age "filippo.io/age/cmd/age@v$AGE_VERSION" "filippo.io/age/cmd/age-keygen@v$AGE_VERSION"
    expect_version "$AGE_VERSION" "$tools/bin/age/age" --version
    expect_version "$AGE_VERSION" "$tools/bin/age/age-keygen" --version
    stamp "age-$AGE_VERSION"
}

install_python() {
    local name
    name=$(head -n 1 "$here/tools/requirements.txt")
    name=${name%% *}
    if stamped "$name" py/bin/python; then return; fi
    need python3 "$name"
    say "installing $name with pip into a virtual environment"
    rm -rf "$tools/py"
    python3 -m venv "$tools/py" || die "python3 -m venv failed: the venv module of python3 is needed to install $name"
    "$tools/py/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        -r "$here/tools/requirements.txt" >&2 || die "pip install failed: $name is not installed"
    stamp "$name"
}

# expect_version VERSION COMMAND...: the command must run and speak of that version.
expect_version() {
    local version=$1 output
    shift
    output=$(env -i PATH="$(dirname "$1"):/usr/bin:/bin" HOME="$tools" CI=1 DOTENVX_NO_ARMOR=true "$@" </dev/null 2>&1) ||
        die "$1 does not run: $output"
    [[ $output == *"$version"* ]] || die "$1 is not version $version: $output"
}

main() {
    local wanted=("$@") tool
    if ((${#wanted[@]} == 0)); then wanted=(dotenvx age sops python); fi
    for tool in "${wanted[@]}"; do
        case $tool in
            dotenvx | sops | age | python) ;;
            *) die "unknown tool '$tool': it is dotenvx, sops, age or python" ;;
        esac
    done

    mkdir -p "$tools/.stamps"
    tools=$(cd "$tools" && pwd)
    # Two runs at once: the second waits, then finds everything done. Where flock is missing the renames still keep a
    # half-made tool out of sight.
    exec 9>"$tools/.lock"
    if command -v flock >/dev/null; then
        flock -n 9 || { say "waiting for another tests/tools.sh" && flock 9; }
    fi
    for tool in "${wanted[@]}"; do "install_$tool"; done
}

main "$@"
