#!/usr/bin/env bash
# Measures envdrift beside the real tools and prints the table of docs/benchmarks.md. Never a test: it judges nothing.
#
# A figure is the median wall time of whole processes; the memory is the peak of one more run. envdrift and its peers take turns,
# so that all meet the same machine. Before each run the files are put back and flushed to the disk, which is not timed.
#
# usage: tests/bench.sh [WORD]      (with a word: only the rows whose name contains it)
#   ENVDRIFT_BENCH_BIN      the binary to measure instead of target/release/envdrift
#   ENVDRIFT_BENCH_ROUNDS   how many turns each takes (5)
# It wants hyperfine, jq and GNU time (Debian: apt-get install hyperfine jq time) and the tools of tests/tools.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$(realpath "${ENVDRIFT_TOOLS_DIR:-$here/../target/tools}")
binary=$(realpath "${ENVDRIFT_BENCH_BIN:-$here/../target/release/envdrift}")
rounds=${ENVDRIFT_BENCH_ROUNDS:-5}
only=${1:-}

die() { printf 'bench: %s\n' "$*" >&2 && exit 1; }

for program in hyperfine jq git /usr/bin/time "$binary" "$tools"/bin/{dotenvx-2.38.2/dotenvx,dotenvx-1.75.1/dotenvx,sops-3.13.3/sops,age/age}; do
    command -v "$program" >/dev/null || die "$program is missing"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/envdrift-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir home bin states
ln -s "$binary" bin/envdrift
ln -s "$tools/bin/dotenvx-2.38.2/dotenvx" bin/dotenvx
ln -s "$tools/bin/dotenvx-1.75.1/dotenvx" bin/dotenvx-1
ln -s "$tools/bin/dotenvx-2.38.2/node" bin/node
ln -s "$tools/bin/sops-3.13.3/sops" "$tools/bin/age/age" "$tools/bin/age/age-keygen" bin/
unset XDG_RUNTIME_DIR XDG_DATA_HOME XDG_STATE_HOME XDG_CONFIG_HOME SOPS_AGE_KEY ENVDRIFT_ENGINE
export HOME=$work/home PATH=$work/bin:/usr/local/bin:/usr/bin:/bin LC_ALL=C
export CI=1 DOTENVX_NO_ARMOR=true SOPS_DISABLE_VERSION_CHECK=1 SOPS_AGE_KEY_FILE=$work/age.txt

# --- the files ---

# env_file COUNT: so many values of 24 characters, a comment and a blank line above every ten.
env_file() {
    awk -v count="$1" 'BEGIN {
        for (i = 1; i <= count; i++) {
            if (i % 10 == 1) printf "\n# group %d\n", i / 10 + 1
            printf "SERVICE_%05d_TOKEN=value-%05d-abcdefghijkl\n", i, i
        }
    }'
}

# Puts a state of the files in place: a folder under states/ becomes files/.
cat >put <<'EOF'
rm -rf files
cp -r "states/$1" files
sync
EOF

# make NAME COMMAND...: the state NAME is what the command makes of the files.
make() {
    local name=$1
    shift
    "$@" >/dev/null 2>&1 || die "failed: $*"
    cp -r files "states/$name"
}

age-keygen -o age.txt 2>/dev/null
recipient=$(age-keygen -y age.txt)
many=$(printf 'files/.env.s%03d ' $(seq 100))
many=${many% }

# plain-N, dotenvx-N and sops-N: N values in one file. The key pair exists already, as it does in all but the first encryption.
for count in 20 200 5000 20000; do
    rm -rf files && mkdir -p files && env_file "$count" >files/.env.production
    cp -r files "states/plain-$count"
    make "dotenvx-$count" envdrift encrypt --engine builtin files/.env.production
    cp files/.env.keys "states/plain-$count/"
    sh put "plain-$count"
    make "sops-$count" sops encrypt -i --age "$recipient" --input-type dotenv --output-type dotenv files/.env.production
done
age -r "$recipient" -o states/sops-20/plain.age states/plain-20/.env.production
age -r "$recipient" -o states/sops-5000/plain.age states/plain-5000/.env.production
# The same with 100 files of 20 values, each with a key pair of its own.
rm -rf files && mkdir files
for file in $many; do cp states/plain-20/.env.production "$file"; done
cp -r files states/plain-many
make dotenvx-many envdrift encrypt --engine builtin $many
cp files/.env.keys states/plain-many/
cat >sops-many <<EOF
for file in files/.env.s*; do
    sops "\$1" -i \$2 --input-type dotenv --output-type dotenv "\$file"
done
EOF
sh put plain-many
make sops-many envdrift encrypt -b sops --engine builtin --age "$recipient" $many
# The same as the secret files of 100 environments of partial encryption, before and after a push.
rm -rf files && mkdir files
printf '[partial_encryption]\nenabled = true\n' >files/envdrift.toml
for at in $(seq -f %03.0f 100); do
    cp states/plain-20/.env.production "files/.env.e$at.secret"
    printf 'LOG_LEVEL=info\n' >"files/.env.e$at.clear"
    printf '[[partial_encryption.environments]]\nname = "e%s"\nclear_file = ".env.e%s.clear"\nsecret_file = ".env.e%s.secret"\ncombined_file = ".env.e%s"\n' \
        "$at" "$at" "$at" "$at" >>files/envdrift.toml
done
cp -r files states/secret-many
make pushed-many envdrift push --engine builtin --config files/envdrift.toml
# A repository whose last commit holds the encrypted file, decrypted in the working tree, with one value edited.
sh put dotenvx-20
git -C files init -q
printf '.env.keys\n' >files/.gitignore
git -C files add .env.production .gitignore
git -C files -c user.name=bench -c user.email=bench@localhost commit -q -m 'Encrypted'
envdrift decrypt -q --engine builtin files/.env.production
sed -i 's/value-00007/edited-00007/' files/.env.production
cp -r files states/git-20

# --- measuring ---

# seconds FILE: the median of a list of times.
median() { sort -g "$1" | awk '{ t[NR] = $1 } END { print (NR % 2) ? t[(NR + 1) / 2] : (t[NR / 2] + t[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf (a / b < 10) ? "%.2f" : "%.0f", a / b }'; }
ms() { awk -v s="$1" 'BEGIN { ms = s * 1000; printf ms < 100 ? "%.1f" : "%.0f", ms }'; }

# Longer than this, in seconds, and one run has to do.
slow=5

# probe NUMBER STATE COMMAND: one run for the peak memory and for a first idea of the time.
probe() {
    local number=$1 state=$2 command=$3
    sh put "$state"
    /usr/bin/time -q -f '%M %e' -o probe.txt $command >probe.log 2>&1 || { cat probe.log >&2 && die "failed: $command"; }
    awk '{ printf "%.1f", $1 / 1024 }' probe.txt >"peak.$number"
    awk '{ print $2 }' probe.txt >"first.$number"
    awk -v slow="$slow" '$2 > slow { print $2 }' probe.txt >"times.$number"
}

# turn NUMBER STATE COMMAND: up to ten runs in about a second, their times appended to times.NUMBER.
turn() {
    local number=$1 state=$2 command=$3 runs
    runs=$(awk -v slow="$slow" '{ n = 1 / ($1 + 0.001); print ($1 > slow) ? 0 : (n < 1) ? 1 : (n > 10) ? 10 : int(n) }' "first.$number")
    if ((runs == 0)); then return; fi
    hyperfine -N --style none --runs "$runs" --prepare "sh put $state" --export-json turn.json "$command" >turn.log 2>&1 || die "failed: $command"
    jq '.results[0].times[]' turn.json >>"times.$number"
}

# row NAME TARGET STATE COMMAND [PEER STATE COMMAND]...: one line of the table.
row() {
    local name=$1 target=$2
    shift 2
    if [[ -n $only && $name != *"$only"* ]]; then return; fi
    printf 'bench: %s\n' "$name" >&2
    local cases=(envdrift "$@") round at
    for ((at = 0; at < ${#cases[@]}; at += 3)); do
        probe "$at" "${cases[at + 1]}" "${cases[at + 2]}"
    done
    for ((round = 1; round <= rounds; round++)); do
        for ((at = 0; at < ${#cases[@]}; at += 3)); do
            turn "$at" "${cases[at + 1]}" "${cases[at + 2]}"
        done
    done
    local ours peers= figure
    ours=$(median times.0)
    for ((at = 3; at < ${#cases[@]}; at += 3)); do
        figure=$(median "times.$at")
        peers+="${peers:+; }${cases[at]}: $(ms "$figure") ms ($(ratio "$figure" "$ours")×), $(<"peak.$at") MiB"
    done
    local shown=${cases[2]//$many/files/.env.s*}
    shown=${shown//$recipient/age1…}
    printf '| %s | **%s ms**, %s MiB | %s | %s | `%s` |\n' \
        "$name" "$(ms "$ours")" "$(<peak.0)" "$target" "${peers:-–}" "${shown//files\//}"
}

# --- the table ---

load() { cut -d ' ' -f 1 /proc/loadavg; }
before=$(load)
printf '| what | envdrift | target | peer (times as long) | command |\n|---|---|---|---|---|\n'

file=files/.env.production
# dotenvx 2 looks for the key store in the working directory, and not beside the file.
fk="-fk files/.env.keys"
flags="--input-type dotenv --output-type dotenv"
ours="envdrift encrypt --engine builtin"
opens="envdrift decrypt --engine builtin"
row "version" "≤ 3 ms" plain-20 "envdrift --version" \
    "dotenvx 2.38.2" plain-20 "dotenvx --version" "sops" plain-20 "sops --version"
for count in 20 200; do
    target=$([[ $count == 20 ]] && echo "≤ 15 ms" || echo "≤ 40 ms")
    row "dotenvx: encrypt $count values" "$target" "plain-$count" "$ours $file" \
        "dotenvx 2.38.2" "plain-$count" "dotenvx encrypt -f $file $fk" "1.75.1" "plain-$count" "dotenvx-1 encrypt -f $file $fk"
    row "dotenvx: decrypt $count values" "$target" "dotenvx-$count" "$opens $file" \
        "dotenvx 2.38.2" "dotenvx-$count" "dotenvx decrypt -f $file $fk" "1.75.1" "dotenvx-$count" "dotenvx-1 decrypt -f $file $fk"
done
row "dotenvx: encrypt 100 files × 20 values" "≤ 150 ms" plain-many "$ours $many" \
    "dotenvx 2.38.2" plain-many "dotenvx encrypt -f ${many// / -f } $fk"
row "dotenvx: decrypt 100 files × 20 values" "≤ 150 ms" dotenvx-many "$opens $many" \
    "dotenvx 2.38.2" dotenvx-many "dotenvx decrypt -f ${many// / -f } $fk"
row "dotenvx: encrypt 20 values, one edited since the last commit" "–" git-20 "$ours $file"
row "check 20,000 encrypted variables" "≤ 30 ms" dotenvx-20000 "envdrift encrypt --check $file"
row "push 100 environments × 20 values, with new keys" "≤ 400 ms" secret-many "envdrift push --engine builtin --config files/envdrift.toml"
row "push --check 100 environments × 20 values" "≤ 20 ms" pushed-many "envdrift push --check --config files/envdrift.toml"
row "dotenvx 2.38.2 by the tool: encrypt 20 values" "≤ 1.05 × the peer" plain-20 "envdrift encrypt --engine tool $file" \
    "dotenvx 2.38.2" plain-20 "dotenvx encrypt -f $file $fk"
row "dotenvx 2.38.2 by the tool: decrypt 20 values" "≤ 1.05 × the peer" dotenvx-20 "envdrift decrypt --engine tool $file" \
    "dotenvx 2.38.2" dotenvx-20 "dotenvx decrypt -f $file $fk"
export ENVDRIFT_DOTENVX=$work/bin/dotenvx-1
row "dotenvx 1.75.1 by the tool: encrypt 20 values" "≤ 1.05 × the peer" plain-20 "envdrift encrypt --engine tool $file" \
    "dotenvx 1.75.1" plain-20 "dotenvx-1 encrypt -f $file $fk"
row "dotenvx 1.75.1 by the tool: decrypt 20 values" "≤ 1.05 × the peer" dotenvx-20 "envdrift decrypt --engine tool $file" \
    "dotenvx 1.75.1" dotenvx-20 "dotenvx-1 decrypt -f $file $fk"
unset ENVDRIFT_DOTENVX
row "SOPS by the tool: encrypt 20 values" "≤ 1.05 × the peer" plain-20 "envdrift encrypt --engine tool -b sops --age $recipient $file" \
    "sops" plain-20 "sops encrypt -i --age $recipient $flags $file"
row "SOPS by the tool: decrypt 20 values" "≤ 1.05 × the peer" sops-20 "envdrift decrypt --engine tool $file" \
    "sops" sops-20 "sops decrypt -i $flags $file"
for count in 20 5000; do
    target=$([[ $count == 20 ]] && echo "≤ 15 ms" || echo "≤ 60 ms")
    row "SOPS: encrypt $count values" "$target" "plain-$count" "$ours -b sops --age $recipient $file" \
        "sops" "plain-$count" "sops encrypt -i --age $recipient $flags $file"
    row "SOPS: decrypt $count values" "$target" "sops-$count" "$opens $file" \
        "sops" "sops-$count" "sops decrypt -i $flags $file" "age" "sops-$count" "age -d -i age.txt -o files/plain.env files/plain.age"
done
row "SOPS: encrypt 100 files × 20 values" "≤ 300 ms" plain-many "$ours -b sops --age $recipient $many" \
    "sops" plain-many "sh sops-many encrypt --age=$recipient"
row "SOPS: decrypt 100 files × 20 values" "≤ 300 ms" sops-many "$opens $many" \
    "sops" sops-many "sh sops-many decrypt"

if [[ -z $only ]]; then
    printf '| size of the binary | **%s MB** | ≤ 8 MB | dotenvx 2.38.2 with node: %s MB; sops: %s MB | `stat -c %%s envdrift` |\n' $(
        size() { du -Lcb "$@" | awk 'END { printf "%.1f ", $1 / 1e6 }'; }
        size bin/envdrift
        size bin/node "$(dirname "$(realpath bin/dotenvx)")/../.."
        size bin/sops
    )
fi
printf '\n%s; %s cores (%s); %s on %s; load average %s before, %s after.\n' \
    "$(envdrift --version), $(date -u +%F)" "$(nproc)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
    "$(uname -sr)" "$(stat -f -c %T .)" "$before" "$(load)"
