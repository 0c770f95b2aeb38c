#!/usr/bin/env bash
# usage: docker.sh ISOLATION [PLACE]
# Debian's Docker with Caisson as a runtime, command by command. The daemon is the script's own: its data, socket and configuration lie
# below PLACE (a fresh directory otherwise), and it runs in mount and network namespaces of its own, without bridge and iptables.
# CAISSON_TEST_RUNTIME names another runtime, to see what that one does.
set -euo pipefail

Here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
Isolation=${1:?usage: docker.sh namespaces|vm [PLACE]}
Place=${2:-$(mktemp -d /tmp/caisson-docker.XXXXXX)}
if [ -z "${CAISSON_TEST_INSIDE:-}" ]; then
    CAISSON_TEST_INSIDE=1 exec unshare --mount --net --propagation private "$BASH" "${BASH_SOURCE[0]}" "$Isolation" "$Place"
fi
Runtime=${CAISSON_TEST_RUNTIME:-$Place/caisson-$Isolation}
Mark=${CAISSON_TEST_MARK:-caisson-docker-$$}
# shellcheck source=tests/engines/lib.sh
. "$Here/lib.sh"

prepare() {
    hide_cgroup_parent
    cover /etc/docker /run/docker /run/containerd
    mkdir -p "$Place"/{home,image,shared}
    export HOME=$Place/home
    [ -n "${CAISSON_TEST_RUNTIME:-}" ] || make_runtime
    make_rootfs "$Place/image"
    tar -C "$Place/image" -cf "$Place/image.tar" .
    # Another docker may come first in PATH.
    printf '#!/bin/sh\nexec /usr/bin/docker -H "unix://%s/socket" "$@"\n' "$Place" >"$Place/docker"
    chmod 755 "$Place/docker"
    docker=$Place/docker
    start_daemon
    "$docker" import -c 'ENV PATH=/bin' "$Place/image.tar" bb >/dev/null
    run=("$docker" run --runtime tested --network none)
}

start_daemon() {
    # Limits that a user without CAP_SYS_RESOURCE may set.
    cat >"$Place/daemon.json" <<JSON
{ "runtimes": { "tested": { "path": "$Runtime" } },
  "default-ulimits": { "nofile": { "Name": "nofile", "Soft": 1024, "Hard": 4096 } } }
JSON
    /usr/sbin/dockerd --data-root "$Place/data" --exec-root "$Place/exec" --host "unix://$Place/socket" --pidfile "$Place/pid" \
        --config-file "$Place/daemon.json" --storage-driver vfs --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        --bridge=none --cgroup-parent "/$Mark" --exec-opt native.cgroupdriver=cgroupfs >"$Place/log" 2>&1 &
    Daemon=$!
    local end=$((SECONDS + Patience))
    until "$docker" version >/dev/null 2>&1; do
        kill -0 "$Daemon" 2>/dev/null || { cat "$Place/log"; echo 'the daemon did not start' >&2; exit 2; }
        [ "$SECONDS" -lt "$end" ] || { cat "$Place/log"; echo 'the daemon does not answer' >&2; exit 2; }
        sleep 0.1
    done
}

clear_away() {
    local id
    for id in $("$docker" ps -aq 2>/dev/null); do "$docker" rm -f "$id" >/dev/null 2>&1 || true; done
    if [ -n "${Daemon:-}" ]; then
        kill "$Daemon" 2>/dev/null || true
        wait "$Daemon" 2>/dev/null || true
    fi
    if [ "$Failed" -gt 0 ] && [ -n "${CAISSON_TEST_LOG:-}" ]; then cp "$Place/log" "$CAISSON_TEST_LOG"; fi
    # containerd ends after the daemon that started it.
    local end=$((SECONDS + 20))
    while others && [ "$SECONDS" -lt "$end" ]; do sleep 0.1; done
    remove_cgroups
    uncover
    rm -rf "$Place"
}

# Whether a containerd, or a shim of one, of this place still runs.
others() { ps -eo args | grep -q "^[^ ]*containerd[^ ]* .*$Place/"; }

# ------------------------------------------------------------------------------------------------------------- the walk

foreground() {
    says 'run: output' 'hi' "${run[@]}" --rm bb echo hi
    code 'run: the exit code is the command'"'"'s' 3 "${run[@]}" --rm bb sh -c 'exit 3'
    code 'run: no such program is 127' 127 "${run[@]}" --rm bb no-such-program
    code 'run: a file that may not be executed is 126' 126 "${run[@]}" --rm bb /bin/forbidden
    code 'run: bad flag of the engine is 125' 125 "${run[@]}" --rm --no-such-flag bb true
    says 'run -i: input reaches the command, and its end too' 'ab' "$BASH" -c 'printf ab | "$@" cat' - "${run[@]}" --rm -i bb
    matches 'run -it: the terminal has the size of the caller'"'"'s, and takes keys' '*at=30 100*typed=word*' \
        on_terminal $'word\n' "${run[@]}" --rm -it bb sh -c "$OnTerminalScript"
}

detached() {
    Since=$(date +%s)
    # shellcheck disable=SC2016  # the container's shell expands it
    code 'run -d' 0 "${run[@]}" -d --name one -v "$Place/shared:/shared" -v vol:/vol --tmpfs /scratch:size=1m,mode=1777 --hostname named \
        --health-cmd 'test -e /tmp/well' --health-interval 1s --health-retries 1 --pids-limit 60 --memory 64m --init --label "of=$Mark" \
        bb sh -c 'echo started; echo complaint >&2; echo from-inside >/shared/in; echo v >/vol/kept; trap "echo bye; exit 7" TERM; trap "echo usr1" USR1; while :; do sleep 0.2; done'
    eventually 'logs: both streams' '*started*' "$docker" logs one
    matches 'logs: both streams' '*complaint*' "$docker" logs one
    says 'volume: what the container wrote is on the host' 'from-inside' cat "$Place/shared/in"
    says 'inspect: state, pid' 'running true' "$docker" inspect -f '{{.State.Status}} {{gt .State.Pid 1}}' one
    matches 'ps' 'one Up*' "$docker" ps --format '{{.Names}} {{.Status}}'
    says 'hostname' 'named' "$docker" exec one hostname
    matches 'init: pid 1 is the engine'"'"'s' '*init*' "$docker" exec one cat /proc/1/cmdline
    matches 'tmpfs: size and mode' '*size=1024k*' "$docker" exec one sh -c 'grep " /scratch " /proc/mounts'
    processes
    copying
    health
    pausing
    updating
    signals
}

processes() {
    says 'exec: output' 'here' "$docker" exec one echo here
    code 'exec: the exit code' 5 "$docker" exec one sh -c 'exit 5'
    code 'exec: no such program is 126 (Docker'"'"'s own, with any runtime)' 126 "$docker" exec one no-such-program
    code 'exec: a file that may not be executed is 126' 126 "$docker" exec one /bin/forbidden
    says 'exec -i' 'abc' "$BASH" -c 'printf abc | "$@" exec -i one cat' - "$docker"
    says 'exec: user, directory and environment' '1000:1000 /tmp yes' "$docker" exec -u user -w /tmp -e E=yes one sh -c 'echo $(id -u):$(id -g) $PWD $E'
    matches 'exec -it: a terminal' '*/dev/pts/*typed=key*' on_terminal $'key\n' "$docker" exec -it one sh -c 'tty; read x; echo typed=$x'
    code 'exec -d' 0 "$docker" exec -d one sh -c 'echo detached >/tmp/detached'
    eventually 'exec -d: it ran' '*detached*' "$docker" exec one sh -c 'cat /tmp/detached 2>/dev/null; true'
    matches 'stats: name, memory and processes' 'one *MiB* [1-9]*' "$docker" stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' one
    # In a machine these are the stand-ins, under the names of what they stand for.
    matches 'top' '*PID*sh -c echo started*' "$docker" top one
    is 'top: nothing of the host' "$(printf '%s\n' "$Said" | grep -c -e dockerd -e containerd -e qemu || true)" 0
}

copying() {
    printf 'copied in' >"$Place/source"
    code 'cp: into a running container' 0 "$docker" cp "$Place/source" one:/data/file
    says 'cp: the container sees it' 'copied in' "$docker" exec one cat /data/file
    code 'exec: a file for cp' 0 "$docker" exec one sh -c 'echo made inside >/data/made'
    code 'cp: out of a running container' 0 "$docker" cp one:/data/made "$Place/made"
    says 'cp: what was made inside' 'made inside' cat "$Place/made"
    code 'cp: into a volume' 0 "$docker" cp "$Place/source" one:/vol/file
    says 'cp: the container sees it in its volume' 'copied in' "$docker" exec one cat /vol/file
    printf 'host secret' >"$Place/secret"
    code 'exec: links that lead out' 0 "$docker" exec one sh -c "ln -s $Place/secret /data/absolute; ln -s ../../../../../../../..$Place/secret /data/climbing"
    try "$docker" cp -L one:/data/absolute "$Place/stolen"
    try "$docker" cp -L one:/data/climbing "$Place/stolen2"
    is 'cp: a link inside does not read the host' "$(cat "$Place/stolen" "$Place/stolen2" 2>/dev/null)" ''
}

health() {
    eventually 'healthcheck: ill' 'unhealthy' "$docker" inspect -f '{{.State.Health.Status}}' one
    code 'exec: get well' 0 "$docker" exec one touch /tmp/well
    eventually 'healthcheck: well' 'healthy' "$docker" inspect -f '{{.State.Health.Status}}' one
}

pausing() {
    code 'pause' 0 "$docker" pause one
    says 'inspect: paused' 'paused' "$docker" inspect -f '{{.State.Status}}' one
    refuses 'exec: not while paused' 1 '*is paused*' "$docker" exec one true
    code 'unpause' 0 "$docker" unpause one
    says 'unpause: it runs on' 'again' "$docker" exec one echo again
}

updating() {
    code 'update' 0 "$docker" update --pids-limit 41 --cpus 0.5 --memory 80m --memory-swap 160m one
    says 'update: in the container'"'"'s cgroup' '83886080 50000 100000 41' "$docker" exec one sh -c "$(print_limits)"
}

signals() {
    code 'kill -s USR1' 0 "$docker" kill -s USR1 one
    eventually 'kill: the workload took the signal' '*usr1*' "$docker" logs one
    code 'stop' 0 "$docker" stop -t 20 one
    matches 'stop: the workload'"'"'s own way out' '*bye*' "$docker" logs one
    says 'inspect: the exit code' 'exited 7' "$docker" inspect -f '{{.State.Status}} {{.State.ExitCode}}' one
    code 'cp: out of a stopped container' 0 "$docker" cp one:/data/made "$Place/made2"
    says 'diff: what the container changed' 'A /data/made' "$BASH" -c '"$1" diff one | grep made' - "$docker"
    code 'start' 0 "$docker" start one
    eventually 'start: started again' '*started*started*' "$docker" logs one
    says 'start: files and volumes are still there' 'v' "$docker" exec one cat /vol/kept
    code 'kill' 0 "$docker" kill one
    says 'wait: 137 after SIGKILL' '137' "$docker" wait one
    code 'restart' 0 "$docker" restart one
    code 'rm -f: while it runs' 0 "$docker" rm -f one
    says 'ps -a: nothing left' '' "$docker" ps -aq
    matches 'events: what happened, in this order' '*create start*exec_start*health_status*pause unpause*update*kill*die stop*restart*destroy*' \
        "$BASH" -c '"$1" events --since "$2" --until "$(($(date +%s) + 1))" --filter type=container --format "{{.Action}}" | sed "s/:.*//" | tr "\n" " "' - "$docker" "$Since"
    is 'nothing of the container is left in the runtime' "$(find "$Place/exec" -path '*runtime*' -name state.json 2>/dev/null)" ''
}

settings() {
    refuses '--read-only, --cap-drop, --user, --security-opt seccomp: each holds' 0 '*Read-only*not permitted*uid=1000*' \
        "${run[@]}" --rm --read-only --cap-drop CHOWN --tmpfs /scratch --user 1000:1000 bb \
        sh -c '{ touch /x; touch /scratch/f; chown 1001 /scratch/f; echo uid=$(id -u); } 2>&1'
    cat >"$Place/seccomp.json" <<'JSON'
{ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
  "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 } ] }
JSON
    refuses '--security-opt seccomp: the profile'"'"'s errno' 1 '*No space left*' "${run[@]}" --rm --security-opt "seccomp=$Place/seccomp.json" bb mkdir /tmp/new
}

restarting() {
    code 'run -d --restart on-failure:2' 0 "${run[@]}" -d --name again --restart on-failure:2 bb sh -c 'echo run; exit 4'
    eventually 'restart policy: given up after two' 'exited 2 4' "$docker" inspect -f '{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}' again
    says 'restart policy: three runs' '3' "$BASH" -c '"$1" logs again | grep -c run' - "$docker"
    code 'rm' 0 "$docker" rm again
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
    says 'ps -a: nothing left' '' "$docker" ps -aq
}

main() {
    trap clear_away EXIT
    prepare
    local part
    # shellcheck disable=SC2086  # a list of names
    for part in ${CAISSON_TEST_PARTS:-foreground detached settings restarting}; do
        note "$part, $SECONDS s"
        "$part"
    done
    note "end, $SECONDS s"
    summary
}

main
