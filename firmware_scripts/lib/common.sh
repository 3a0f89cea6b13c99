# shellcheck shell=bash
# What the scripts beside this folder share; sourced, never run. Bash, after `set -euo pipefail`.

# Says something to the person, under the name of the script that runs.
say() { printf '%s\n' "${0##*/}: $*" >&2; }

# Says what went wrong and what to do, and ends the script.
die() { say "$*"; exit 1; }

# Stops with the line to type where a program is missing.   need PROGRAM PACKAGE [PROGRAM PACKAGE ...]
need() {
    local missing=()
    while [ $# -ge 2 ]; do
        command -v "$1" >/dev/null 2>&1 || missing+=("$2")
        shift 2
    done
    [ ${#missing[@]} -eq 0 ] || die "missing on this machine; type: sudo apt-get install ${missing[*]}"
}

# The folder for what was downloaded or built once and is the same for every checkout of the project.
cache_folder() {
    local folder=${OFFHOOK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/offhook}${1:+/$1}
    mkdir -p "$folder"
    printf '%s\n' "$folder"
}

# Runs a function once at a time, whoever else runs this script, and not at all where FILE exists by then.
# once FILE COMMAND ...: COMMAND must leave FILE behind when it succeeded.
once() {
    local file=$1
    shift
    [ ! -e "$file" ] || return 0
    mkdir -p "${file%/*}"
    exec {once_lock}>"$file.lock"
    flock "$once_lock"
    [ -e "$file" ] || "$@"
    exec {once_lock}>&-
}

# The Debian mirrors that this machine uses itself, so that proxies and local mirrors are respected.
# debian_sources SUITE [--backports]: lines for a sources.list
debian_sources() {
    local suite=$1 key=/usr/share/keyrings/debian-archive-keyring.gpg mirror security
    [ -e "$key" ] || die "missing on this machine; type: sudo apt-get install debian-archive-keyring"
    mirror=${OFFHOOK_DEBIAN_MIRROR:-$(_repository_of Debian)}
    security=${OFFHOOK_DEBIAN_SECURITY_MIRROR:-$(_repository_of Debian-Security)}
    [ -n "$mirror" ] || die 'found no Debian mirror in the settings of apt; set OFFHOOK_DEBIAN_MIRROR to the address of one'
    printf 'deb [signed-by=%s] %s %s main contrib non-free-firmware\n' "$key" "$mirror" "$suite"
    printf 'deb [signed-by=%s] %s %s-updates main contrib non-free-firmware\n' "$key" "$mirror" "$suite"
    [ -z "$security" ] || printf 'deb [signed-by=%s] %s %s-security main contrib non-free-firmware\n' "$key" "$security" "$suite"
    [ "${2:-}" != --backports ] ||
        printf 'deb [signed-by=%s] %s %s-backports main contrib non-free-firmware\n' "$key" "$mirror" "$suite"
}

_repository_of() { # label of the repository
    # shellcheck disable=SC2016  # apt fills these in
    apt-get indextargets --format '$(LABEL) $(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v label="$1" '$1 == label && $2 == "Debian" { print $3; exit }'
}
