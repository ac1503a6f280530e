# Shared by the scripts of this folder: steps with elapsed time, and what must be on the machine. Source it.

started_at=$SECONDS
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m'); else bold= dim= plain=; fi

elapsed() { printf '%02d:%02d' $(((SECONDS - started_at) / 60)) $(((SECONDS - started_at) % 60)); }
step() { printf '%s[%s]%s %s%s%s\n' "$dim" "$(elapsed)" "$plain" "$bold" "$*" "$plain"; }
fail() { printf '\n[%s] %s\n' "$(elapsed)" "$*" >&2; exit 1; }

# need_packages NAME...: installs the Debian packages of these names that are missing.
need_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
    done
    if [ ${#missing[@]} -eq 0 ]; then return; fi
    command -v apt-get >/dev/null || fail "These packages are missing and there is no apt-get to install them: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "Run as root, or install these packages first: ${missing[*]}"
        as_root=(sudo)
    fi
    step "Installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq || fail "apt-get update failed: is the network there?"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null \
        || fail "apt-get could not install: ${missing[*]}"
}

need_swift() {
    command -v swift >/dev/null || fail "Swift 6.2 or newer is needed: https://www.swift.org/install/linux/"
    swift --version 2>/dev/null | grep -qE 'Swift version (6\.([2-9]|[1-9][0-9])|[7-9])' \
        || fail "Swift 6.2 or newer is needed; this is: $(swift --version 2>/dev/null | head -1)"
}

# Of every debug build here: without what only debuggers read, which is a good part of the time. One list, so that
# what one script has built is not built anew by another.
build_options=(-debug-info-format none)

# What every build needs.
build_packages=(libsqlite3-dev libpq-dev libsimdjson-dev liblz4-dev g++ pkg-config)
# What the tests need beside it: a real Postgres, a real browser, clocks and disks that are wrong, and Python for the tools
# that come from PyPI.
test_packages=(postgresql pgtap pgbouncer openssl python3-venv python3-aiosmtpd faketime e2fsprogs chromium)

# Deno, a driver for the stand-in of Supabase's API, and what drives the browser, in a folder of the build.
need_test_tools() {
    local tools=.build/test-tools wanted=(supabase/tests/requirements.txt Tests/Browser/requirements.txt)
    if cat "${wanted[@]}" | cmp -s - "$tools/installed.txt"; then return; fi
    step "Installing Deno, psycopg and Playwright"
    [ -x "$tools/bin/pip" ] || python3 -m venv "$tools" || fail "Python could not make $tools."
    "$tools/bin/pip" install --quiet --disable-pip-version-check "${wanted[@]/#/-r}" \
        || fail "pip could not install what ${wanted[*]} name: is the network there?"
    cat "${wanted[@]}" >"$tools/installed.txt"
}
