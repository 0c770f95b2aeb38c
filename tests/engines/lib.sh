# shellcheck shell=bash
# What the scripts of this directory share: a place of their own, checks that say what they expected, and a busybox image.
# Sourced with Isolation, Runtime and Place set; see usage in podman.sh.

Passed=0
Failed=0
Said=''
Code=0

# Long enough for a machine under software emulation on a busy host.
readonly Patience=${CAISSON_TEST_PATIENCE:-60}

# For a container's shell on a terminal. Engines give the size a moment after the start; until then it is none.
# shellcheck disable=SC2016  # the container's shell expands it
readonly OnTerminalScript='for i in $(seq 100); do size=$(stty size 2>/dev/null); [ -z "$size" ] || break; sleep 0.1; done; echo "at=$size"; read x; echo typed=$x'

vm() { [ "$Isolation" = vm ]; }

# What a container's shell prints of its limits: memory, CPU quota and period, processes. The guest has cgroup v2, and the host may.
print_limits() {
    if vm || [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo 'cd /sys/fs/cgroup; echo $(cat memory.max cpu.max pids.max)'
    else
        echo 'cd /sys/fs/cgroup; echo $(cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us pids/pids.max)'
    fi
}

note() { printf '# %s\n' "$*"; }
pass() { Passed=$((Passed + 1)); printf 'ok - %s\n' "$1"; }

# fail WHAT EXPECTED
fail() {
    Failed=$((Failed + 1))
    printf 'not ok - %s\n#   expected: %s\n#   got code %s, and:\n' "$1" "$2" "$Code"
    printf '%s\n' "$Said" | sed 's/^/#     /' | head -n 40
}

# try COMMAND...: keeps its code in Code and all it says in Said.
try() {
    local limit=(timeout --foreground "$Patience")
    if declare -F "$1" >/dev/null; then limit=(); fi
    Code=0
    Said=$("${limit[@]}" "$@" 2>&1 </dev/null | tr '\0' ' '; exit "${PIPESTATUS[0]}") || Code=$?
}

# code WHAT EXPECTED-CODE COMMAND...
code() {
    local what=$1 expected=$2
    shift 2
    try "$@"
    if [ "$Code" -eq "$expected" ]; then pass "$what"; else fail "$what" "exit code $expected"; fi
}

# says WHAT EXPECTED-TEXT COMMAND...: success, and exactly this text.
says() {
    local what=$1 expected=$2
    shift 2
    try "$@"
    if [ "$Code" -eq 0 ] && [ "$Said" = "$expected" ]; then pass "$what"; else fail "$what" "success, and exactly: $expected"; fi
}

# matches WHAT PATTERN COMMAND...: success, and a text that the pattern of bash matches.
matches() {
    local what=$1 pattern=$2
    shift 2
    try "$@"
    # shellcheck disable=SC2053  # a pattern is meant
    if [ "$Code" -eq 0 ] && [[ $Said == $pattern ]]; then pass "$what"; else fail "$what" "success, and something like: $pattern"; fi
}

# refuses WHAT EXPECTED-CODE PATTERN COMMAND...
refuses() {
    local what=$1 expected=$2 pattern=$3
    shift 3
    try "$@"
    # shellcheck disable=SC2053  # a pattern is meant
    if [ "$Code" -eq "$expected" ] && [[ $Said == $pattern ]]; then pass "$what"; else fail "$what" "exit code $expected, and something like: $pattern"; fi
}

# eventually WHAT PATTERN COMMAND...: success and the pattern, at last.
eventually() {
    local what=$1 pattern=$2 end=$((SECONDS + Patience))
    shift 2
    while try "$@"; do
        # shellcheck disable=SC2053  # a pattern is meant
        if [ "$Code" -eq 0 ] && [[ $Said == $pattern ]]; then pass "$what"; return; fi
        if [ "$SECONDS" -ge "$end" ]; then fail "$what" "within $Patience s: $pattern"; return; fi
        sleep 0.1
    done
}

# is WHAT ACTUAL EXPECTED
is() {
    Said=$2 Code=0
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "$3"; fi
}

# on_terminal INPUT COMMAND...: the command on a terminal of 30 by 100, that is fed the input; prints what the terminal shows.
# The input ends with the command, not before: an end of input would be typed too.
on_terminal() {
    local input=$1 line fifo=$Place/keys
    shift
    printf -v line '%q ' "$@"
    rm -f "$fifo"
    mkfifo "$fifo"
    printf '%s' "$input" >"$fifo.text"
    exec 8<>"$fifo"
    cat "$fifo.text" >&8
    timeout --foreground "$Patience" script -qefc "stty rows 30 cols 100; $line" /dev/null <&8 | tr -d '\r'
    local codes=("${PIPESTATUS[@]}")
    exec 8>&-
    return "${codes[0]}"
}

# make_rootfs DIRECTORY: busybox, two users, and what an image usually has.
make_rootfs() {
    local root=$1 applet
    mkdir -p "$root"/{bin,etc,tmp,proc,sys,dev,root,home,data}
    chmod 1777 "$root/tmp"
    for applet in $(/bin/busybox --list); do ln -sf busybox "$root/bin/$applet"; done
    cp --remove-destination /bin/busybox "$root/bin/busybox"
    printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
    printf 'no permission\n' >"$root/bin/forbidden"
    chmod 644 "$root/bin/forbidden"
}

# The name by which the executable is called chooses the isolation: engines pass it no arguments of ours.
make_runtime() {
    local executable
    executable=$(readlink -f "${CAISSON_EXECUTABLE_UNDER_TEST:-$Here/../../out/caisson}")
    [ -x "$executable" ] || { echo "there is no $executable: ./dev build makes it" >&2; exit 2; }
    ln -sf "$executable" "$Runtime"
}

# Engines make directories for controllers that the host has not mounted. Where cgroups are mounted one by one on a tmpfs, those must not
# stay behind: they go to a tmpfs of our own, in our own mount namespace.
hide_cgroup_parent() {
    [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ] || return 0
    local directory real=$Place/cgroup name
    mkdir -p "$real"
    mount --rbind /sys/fs/cgroup "$real"
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    for directory in "$real"/*/; do
        mountpoint -q "$directory" || continue
        name=$(basename "$directory")
        mkdir "/sys/fs/cgroup/$name"
        mount --bind "$directory" "/sys/fs/cgroup/$name"
    done
    umount -l "$real"
    rmdir "$real"
}

# Directories that an engine writes to whatever it is told, covered in our own mount namespace.
Covered=()
cover() {
    local directory
    for directory in "$@"; do
        # Made for the purpose, it goes again.
        if [ ! -e "$directory" ]; then
            mkdir -p "$directory"
            Covered+=("$directory")
        fi
        mount -t tmpfs -o mode=755 tmpfs "$directory"
    done
}

uncover() {
    local directory
    for directory in "${Covered[@]}"; do
        umount -l "$directory" 2>/dev/null || true
        rmdir "$directory" 2>/dev/null || true
    done
}

# Cgroups of this run, once nothing is in them.
remove_cgroups() {
    find /sys/fs/cgroup -depth -type d -path "*/$Mark*" -exec rmdir {} + 2>/dev/null || true
}

summary() {
    printf '%s passed, %s failed\n' "$Passed" "$Failed"
    [ "$Failed" -eq 0 ]
}
