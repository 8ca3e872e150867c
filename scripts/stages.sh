# Runs stages, keeps their output, and counts what passed and failed. Sourced by scripts/test and .ci/run.

export CARGO_TERM_COLOR=never
LOGS="${LAPJOINT_TEST_LOGS:-${CARGO_TARGET_DIR:-target}/test-logs}"
# Each run counts for itself, also beside another one that shares the folder; what it calls counts with it.
export LAPJOINT_TALLY="${LAPJOINT_TALLY:-$LOGS/tally.$$}"
TALLY="$LAPJOINT_TALLY"
MISSING="$TALLY.missing"
STAGE_SECONDS="${LAPJOINT_STAGE_SECONDS:-2400}"
mkdir -p "$LOGS"

# stage NAME COMMAND...: runs the command; its own counts are read from its output, or it counts as one. What hangs is ended after
# STAGE_SECONDS by SIGABRT, at which pytest prints the stacks of its threads, and counts as failed; the stages after it still run.
stage() {
    local name="$1" started passed failed status
    local limit=()
    if command -v timeout >/dev/null; then
        limit=(timeout --signal=ABRT --kill-after=20 "$STAGE_SECONDS")
        # In a terminal the command stays in the foreground, where Ctrl-C reaches it.
        if [ -t 0 ]; then limit=(timeout --foreground "${limit[@]:1}"); fi
    fi
    shift
    started=$(date +%s)
    printf '== %s ... ' "$name"
    "${limit[@]}" "$@" >"$LOGS/$name.log" 2>&1
    status=$?
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then printf 'ended after %s s ... ' "$STAGE_SECONDS"; fi
    passed=$(count passed "$LOGS/$name.log")
    failed=$(count failed "$LOGS/$name.log")
    if [ "$status" -eq 0 ] && [ $((passed + failed)) -eq 0 ]; then passed=1; fi
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    printf '%s passed, %s failed (%s s)\n' "$passed" "$failed" "$(($(date +%s) - started))"
    printf '%s %s\n' "$passed" "$failed" >>"$TALLY"
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$LOGS/$name.log"
    fi
    return 0
}

# Sums "N passed" or "N failed" of cargo test, nextest and pytest.
count() {
    grep -hE '(Summary|test result:|=+ .*(passed|failed).* =+$|^[0-9]+ (passed|failed))' "$2" |
        grep -oE "[0-9]+ $1" | awk '{ sum += $1 } END { print sum + 0 }'
}

# missing NAME WHY: says at the end that something could not run.
missing() {
    printf '%s: %s\n' "$1" "$2" >>"$MISSING"
}

# total: prints what could not run, and the last line; fails if anything failed.
total() {
    local passed failed
    if [ -s "$MISSING" ]; then
        printf '\nCOULD NOT RUN:\n'
        sed 's/^/  /' "$MISSING"
    fi
    passed=$(awk '{ sum += $1 } END { print sum + 0 }' "$TALLY")
    failed=$(awk '{ sum += $2 } END { print sum + 0 }' "$TALLY")
    rm -f "$TALLY" "$MISSING"
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}
