#!/usr/bin/env bash
# usage: podman.sh ISOLATION [PLACE]
# Debian's podman with Caisson as its runtime, command by command. Everything lies below PLACE (a fresh directory otherwise), and nothing
# of the machine's own podman is touched. CAISSON_TEST_RUNTIME names another runtime, to see what that one does.
set -euo pipefail

Here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
Isolation=${1:?usage: podman.sh namespaces|vm [PLACE]}
Place=${2:-$(mktemp -d /tmp/caisson-podman.XXXXXX)}
# Mounts of the engine go away with the script.
if [ -z "${CAISSON_TEST_INSIDE:-}" ]; then
    CAISSON_TEST_INSIDE=1 exec unshare --mount --propagation private "$BASH" "${BASH_SOURCE[0]}" "$Isolation" "$Place"
fi
Runtime=${CAISSON_TEST_RUNTIME:-$Place/caisson-$Isolation}
Mark=${CAISSON_TEST_MARK:-caisson-podman-$$}
# shellcheck source=tests/engines/lib.sh
. "$Here/lib.sh"

# podman on this place. A program, not a function: script and timeout want one.
write_wrapper() {
    cat >"$Place/podman" <<TEXT
#!/bin/sh
exec podman --root "$Place/s" --runroot "$Place/r" --tmpdir "$Place/t" --volumepath "$Place/v" --storage-driver vfs \\
    --cgroup-manager cgroupfs --events-backend file --network-config-dir "$Place/n" --runtime tested "\$@"
TEXT
    chmod 755 "$Place/podman"
}

prepare() {
    hide_cgroup_parent
    cover /var/lib/containers /run/containers
    mkdir -p "$Place"/{s,r,t,v,n,home,image}
    export HOME=$Place/home XDG_RUNTIME_DIR= CONTAINERS_CONF=$Place/containers.conf
    # Limits that a user without CAP_SYS_RESOURCE may set; locks of our own.
    cat >"$CONTAINERS_CONF" <<'TEXT'
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
netns = "none"
[engine]
lock_type = "file"
runtime_supports_json = ["tested"]
[engine.runtimes]
tested = ["RUNTIME"]
TEXT
    sed -i "s|RUNTIME|$Runtime|" "$CONTAINERS_CONF"
    # podman cannot remove a pod with conmon's cgroup in it where some controllers are not mounted.
    sed 's/^netns.*/&\ncgroups = "no-conmon"/' "$CONTAINERS_CONF" >"$Place/pods.conf"
    write_wrapper
    [ -n "${CAISSON_TEST_RUNTIME:-}" ] || make_runtime
    make_rootfs "$Place/image"
    tar -C "$Place/image" -cf "$Place/image.tar" .
    "$Place/podman" import -q -c 'ENV PATH=/bin' "$Place/image.tar" bb >/dev/null
    podman=$Place/podman
    run=("$podman" run --cgroup-parent "/$Mark")
}

clear_away() {
    "$Place/podman" pod rm -fa -t 0 >/dev/null 2>&1 || true
    "$Place/podman" rm -fa -t 0 >/dev/null 2>&1 || true
    remove_cgroups
    # podman makes its own parent whatever it is told; where it is used, it is not empty.
    find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} + 2>/dev/null || true
    uncover
    rm -rf "$Place"
}

# ------------------------------------------------------------------------------------------------------------- the walk

foreground() {
    says 'run: output' 'hi' "${run[@]}" --rm bb echo hi
    code 'run: the exit code is the command'"'"'s' 3 "${run[@]}" --rm bb sh -c 'exit 3'
    code 'run: no such program is 127' 127 "${run[@]}" --rm bb no-such-program
    code 'run: a file that may not be executed is 126' 126 "${run[@]}" --rm bb /bin/forbidden
    refuses 'run: the runtime'"'"'s own words, from its log' 127 '*Error: *tested: *create failed: *executable file not found*' "${run[@]}" --rm bb no-such-program
    refuses 'run: the same from its standard error, where no log is asked for' 127 '*executable file not found*' \
        "$podman" --runtime "$Runtime" run --cgroup-parent "/$Mark" --rm bb no-such-program
    code 'run: bad flag of the engine is 125' 125 "${run[@]}" --rm --no-such-flag bb true
    says 'run -i: input reaches the command, and its end too' 'ab' "$BASH" -c 'printf ab | "$@" cat' - "${run[@]}" --rm -i bb
    matches 'run -it: the terminal has the size of the caller'"'"'s, and takes keys' '*at=30 100*typed=word*' \
        on_terminal $'word\n' "${run[@]}" --rm -it bb sh -c "$OnTerminalScript"
}

# One container per isolation is enough for what does not end it.
detached() {
    # shellcheck disable=SC2016  # the container's shell expands it
    code 'run -d' 0 "${run[@]}" -d --name one -v "$Place/shared:/shared" -v vol:/vol --tmpfs /scratch:size=1m,mode=1777 --hostname named \
        --health-cmd 'test -e /tmp/well' --health-interval 1h --health-retries 1 --pids-limit 60 --memory 64m --init \
        bb sh -c 'echo started; echo complaint >&2; echo from-inside >/shared/in; echo v >/vol/kept; trap "echo bye; exit 7" TERM; trap "echo usr1" USR1; while :; do sleep 0.2; done'
    Id=$("$podman" inspect -f '{{.Id}}' one)
    eventually 'logs: both streams' '*started*' "$podman" logs one
    matches 'logs: both streams' '*complaint*' "$podman" logs one
    says 'volume: what the container wrote is on the host' 'from-inside' cat "$Place/shared/in"
    says 'inspect: state, pid' 'running true' "$podman" inspect -f '{{.State.Status}} {{gt .State.Pid 1}}' one
    says 'inspect: the runtime' tested "$podman" inspect -f '{{.OCIRuntime}}' one
    says 'ps' 'one Up' "$BASH" -c '"$1" ps --format "{{.Names}} {{.Status}}" | cut -d" " -f1,2' - "$podman"
    says 'hostname' 'named' "$podman" exec one hostname
    matches 'init: pid 1 is the engine'"'"'s' '*init*' "$podman" exec one cat /proc/1/cmdline
    matches 'tmpfs: size and mode' '*size=1024k*' "$podman" exec one sh -c 'grep " /scratch " /proc/mounts'
    processes
    copying
    health
    pausing
    signals
}

processes() {
    says 'exec: output' 'here' "$podman" exec one echo here
    code 'exec: the exit code' 5 "$podman" exec one sh -c 'exit 5'
    code 'exec: no such program is 127' 127 "$podman" exec one no-such-program
    code 'exec: a file that may not be executed is 126' 126 "$podman" exec one /bin/forbidden
    says 'exec -i' 'abc' "$BASH" -c 'printf abc | "$@" exec -i one cat' - "$podman"
    says 'exec: user, directory and environment' '1000:1000 /tmp yes' "$podman" exec -u user -w /tmp -e E=yes one sh -c 'echo $(id -u):$(id -g) $PWD $E'
    matches 'exec -it: a terminal' '*/dev/pts/*typed=key*' on_terminal $'key\n' "$podman" exec -it one sh -c 'tty; read x; echo typed=$x'
    code 'exec -d' 0 "$podman" exec -d one sh -c 'echo detached >/tmp/detached'
    eventually 'exec -d: it ran' '*detached*' "$podman" exec one sh -c 'cat /tmp/detached 2>/dev/null; true'
    matches 'stats: name and memory' 'one *B /*' "$podman" stats --no-stream --format '{{.Name}} {{.MemUsage}}' one
    if vm; then
        # psgo looks at the keeper's own process table: the stand-in, under the workload's name, and nothing of the host.
        matches 'top: the stand-in, and nothing of the host' '*PID*COMMAND*echo started*' "$podman" top one pid,comm,args
        is 'top: no other process' "$(printf '%s\n' "$Said" | grep -c -e systemd -e conmon -e qemu || true)" 0
        matches 'top with ps'"'"'s own fields: the processes of the guest' '*sleep*' "$podman" top one -o pid,args
    else
        matches 'top' '*sleep*' "$podman" top one pid,comm,args
    fi
}

# The container's files and never the host's: the pid that the engine knows leads to the container's root.
copying() {
    printf 'copied in' >"$Place/source"
    code 'cp: into a running container' 0 "$podman" cp "$Place/source" one:/data/file
    says 'cp: the container sees it' 'copied in' "$podman" exec one cat /data/file
    code 'exec: a file for cp' 0 "$podman" exec one sh -c 'echo made inside >/data/made; echo $$ >/etc/only-inside'
    code 'cp: out of a running container' 0 "$podman" cp one:/data/made "$Place/made"
    says 'cp: what was made inside' 'made inside' cat "$Place/made"
    code 'cp: into a volume' 0 "$podman" cp "$Place/source" one:/vol/file
    says 'cp: the container sees it in its volume' 'copied in' "$podman" exec one cat /vol/file
    code 'cp: into a bind mount' 0 "$podman" cp "$Place/source" one:/shared/file
    says 'cp: it is in the mount'"'"'s source' 'copied in' cat "$Place/shared/file"
    if vm; then
        code 'cp: into the memory of the guest is refused, not lost' 125 "$podman" cp "$Place/source" one:/scratch/file
    else
        code 'cp: into a tmpfs' 0 "$podman" cp "$Place/source" one:/scratch/file
        says 'cp: the container sees it in its tmpfs' 'copied in' "$podman" exec one cat /scratch/file
    fi
    is 'cp: nothing came to the host'"'"'s root' "$(ls /data/file /data/made /etc/only-inside /vol 2>/dev/null)" ''
    printf 'host secret' >"$Place/secret"
    code 'exec: links that lead out' 0 "$podman" exec one sh -c "ln -s $Place/secret /data/absolute; ln -s ../../../../../../../..$Place/secret /data/climbing; mkdir /data/d; ln -s / /data/d/root"
    try "$podman" cp one:/data/absolute "$Place/stolen"
    try "$podman" cp one:/data/climbing "$Place/stolen2"
    is 'cp: a link inside does not read the host' "$(cat "$Place/stolen" "$Place/stolen2" 2>/dev/null)" ''
    code 'cp: through a link to the root' 0 "$podman" cp "$Place/source" one:/data/d/root/tmp/rooted
    says 'cp: it stayed inside' 'copied in' "$podman" exec one cat /tmp/rooted
    is 'cp: and nothing of it is on the host' "$(ls /tmp/rooted 2>/dev/null)" ''
}

health() {
    code 'healthcheck: ill' 1 "$podman" healthcheck run one
    says 'inspect: ill' unhealthy "$podman" inspect -f '{{.State.Health.Status}}' one
    code 'exec: get well' 0 "$podman" exec one touch /tmp/well
    code 'healthcheck: well' 0 "$podman" healthcheck run one
    says 'inspect: well' healthy "$podman" inspect -f '{{.State.Health.Status}}' one
}

pausing() {
    code 'pause' 0 "$podman" pause one
    says 'inspect: paused' 'paused' "$podman" inspect -f '{{.State.Status}}' one
    code 'exec: not while paused' 255 "$podman" exec one true
    code 'unpause' 0 "$podman" unpause one
    says 'unpause: it runs on' 'again' "$podman" exec one echo again
}

signals() {
    code 'kill -s USR1' 0 "$podman" kill -s USR1 one
    eventually 'kill: the workload took the signal' '*usr1*' "$podman" logs one
    code 'stop' 0 "$podman" stop -t 20 one
    matches 'stop: the workload'"'"'s own way out' '*bye*' "$podman" logs one
    says 'inspect: the exit code' 'exited 7' "$podman" inspect -f '{{.State.Status}} {{.State.ExitCode}}' one
    code 'cp: out of a stopped container' 0 "$podman" cp one:/data/made "$Place/made2"
    says 'cp: what the stopped container had written' 'made inside' cat "$Place/made2"
    says 'diff: what the container changed' 'A /data/made' "$BASH" -c '"$1" diff one | grep made' - "$podman"
    code 'restart' 0 "$podman" restart -t 0 one
    eventually 'restart: started again' '*started*started*' "$podman" logs one
    says 'restart: files and volumes are still there' 'v' "$podman" exec one cat /vol/kept
    code 'kill' 0 "$podman" kill one
    says 'wait: 137 after SIGKILL' '137' "$podman" wait one
    code 'start' 0 "$podman" start one
    code 'rm -f: while it runs' 0 "$podman" rm -f -t 0 one
    says 'ps -a: nothing left' '' "$podman" ps -aq
    is 'nothing of the container is left in the runtime' "$(ls -d "/run/caisson/$Id" 2>/dev/null)" ''
}

settings() {
    matches 'limits, user, capabilities, no_new_privs' 'uid=1000 gid=1000 CapEff:*0000000000000000 NoNewPrivs:?1*' \
        "${run[@]}" --rm --user 1000:1000 --security-opt no-new-privileges bb sh -c 'echo uid=$(id -u) gid=$(id -g) $(grep CapEff /proc/self/status) $(grep NoNewPrivs /proc/self/status)'
    refuses '--read-only, --cap-drop, --tmpfs: each holds' 0 '*Read-only*not permitted*tmp-ok*' \
        "${run[@]}" --rm --read-only --cap-drop CHOWN --tmpfs /scratch bb \
        sh -c '{ touch /x; touch /scratch/f; chown 1000 /scratch/f; echo tmp-ok >/tmp/f; cat /tmp/f; } 2>&1'
    cat >"$Place/seccomp.json" <<'JSON'
{ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 } ] }
JSON
    refuses '--security-opt seccomp: the profile'"'"'s errno' 1 '*No space left*' "${run[@]}" --rm --security-opt "seccomp=$Place/seccomp.json" bb mkdir /tmp/new
    limits
}

limits() {
    says '--memory, --cpus, --pids-limit: in the container'"'"'s cgroup' '100663296 50000 100000 33' \
        "${run[@]}" --rm --memory 96m --cpus 0.5 --pids-limit 33 bb sh -c "$(print_limits)"
    refuses '--pids-limit: no more than that' 2 '*an*t fork*' "${run[@]}" --rm --pids-limit 5 bb sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done'
}

pods() {
    local -x CONTAINERS_CONF=$Place/pods.conf
    if vm; then
        code 'pod that shares nothing' 0 "$podman" pod create --share none --infra=false --cgroup-parent "/$Mark" --name loose
        says 'a container of it' 'in-pod' "$podman" run --rm --pod loose bb echo in-pod
        code 'pod rm' 0 "$podman" pod rm -f -t 0 loose
        code 'run -d: a container to be joined' 0 "${run[@]}" -d --name first bb sleep 100
        refuses 'joining another container'"'"'s namespaces: refused, and the text says why' 126 '*linux.namespaces*another kernel*' "${run[@]}" --rm --ipc container:first bb true
        code 'rm -f' 0 "$podman" rm -f -t 0 first
    else
        code 'pod' 0 "$podman" pod create --share ipc,uts --infra-image bb --infra-command '/bin/sleep 1000' --cgroup-parent "/$Mark" --name shared
        code 'its first container' 0 "$podman" run -d --pod shared --name first bb sleep 100
        says 'its second one joins what they share' 'in-pod' "$podman" run --rm --pod shared bb echo in-pod
        code 'run -d: a container to be joined' 0 "${run[@]}" -d --name alone bb sleep 100
        says 'joining a container'"'"'s pid namespace' 'sleep' "${run[@]}" --rm --pid container:alone bb sh -c 'tr "\0" " " </proc/1/cmdline | cut -d" " -f1'
        code 'rm -f' 0 "$podman" rm -f -t 0 alone
        code 'pod rm' 0 "$podman" pod rm -f -t 0 shared
    fi
}

building() {
    vm && return
    mkdir -p "$Place/build"
    printf 'payload\n' >"$Place/build/file"
    cat >"$Place/build/Containerfile" <<'TEXT'
FROM localhost/bb
COPY file /data/copied
RUN echo ran as $(id -u) >/data/ran && mkdir /data/made
USER user
CMD ["cat", "/data/copied", "/data/ran"]
TEXT
    code 'build' 0 "$podman" build --isolation oci --runtime "$Runtime" --network none --cgroup-parent "/$Mark-build" --pull=never -q -t built "$Place/build"
    says 'run: what was built' $'payload\nran as 0' "${run[@]}" --rm built
}

# Only where asked for: the same again and again, and several at once.
repeated() {
    local i
    for i in $(seq "${CAISSON_TEST_REPETITIONS:-20}"); do
        code "run: number $i" "$i" "${run[@]}" --rm bb sh -c "exit $i"
    done
    # shellcheck disable=SC2016  # the inner shell expands it
    says 'run: four at once, each with its own output and code' $'1 11\n2 12\n3 13\n4 14' "$BASH" -c '
        for i in 1 2 3 4; do { said=$("$@" --rm bb sh -c "echo $i; exit 1$i"); echo "$said $?"; } & done | sort; wait' - "${run[@]}"
    says 'ps -a: nothing left' '' "$podman" ps -aq
}

main() {
    trap clear_away EXIT
    prepare
    mkdir -p "$Place/shared"
    local part
    # shellcheck disable=SC2086  # a list of names
    for part in ${CAISSON_TEST_PARTS:-foreground detached settings pods building}; do
        note "$part, $SECONDS s"
        "$part"
    done
    note "end, $SECONDS s"
    summary
}

main
