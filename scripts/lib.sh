# shellcheck shell=bash
# lib.sh: what the scripts share. Sourced, never run. Defines $top (the checkout) and:
#   say TEXT          a line for the reader, on stderr
#   die TEXT          the same, and exit 1
#   usage             prints the script's opening comment, which is its --help
#   free_port         a TCP port of 127.0.0.1 that nobody listens on, with its successor
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
}

die() {
    say "$*"
    exit 1
}

usage() {
    awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"
}

listening() { # PORT: is somebody there?
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() { # below the range that outgoing connections take their ports from
    local port
    for _ in {1..200}; do
        port=$((20000 + (RANDOM % 3000) * 2)) # tests/e2e/kit.py takes those above
        if ! listening "$port" && ! listening $((port + 1)); then
            echo "$port"
            return
        fi
    done
    die "no free port found"
}
