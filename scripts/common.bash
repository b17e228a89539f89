# Sourced by the scripts beside it. A failure is one line: what was expected, what was found, what to do.

# fail EXPECTED FOUND REMEDY
fail() {
    printf '%s: expected %s, found %s; %s\n' "${0##*/}" "$1" "$2" "$3" >&2
    exit 1
}

# say TEXT: progress, on standard error so that standard output stays for results.
say() {
    printf '%s\n' "$*" >&2
}
