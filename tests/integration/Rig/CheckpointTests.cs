using System.Text.Json.Nodes;
using Caisson.Harness;

namespace Caisson.IntegrationTests.Rig;

/// <summary>Checkpoint and restore by Debian's CRIU on the guest's kernel, which it works on.</summary>
[Collection(RigCollection.Name)]
public sealed class CheckpointTests(RigMachine rig)
{
    // Counts in its memory, and shows the count in a file: what goes on after a restore has not begun anew.
    private const string Counter = "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.1; done";

    private const string WaitForCount = """
        counts() { for n in $(seq 300); do [ "$(caisson exec $1 cat /tmp/count 2>/dev/null)" -gt $2 ] 2>/dev/null && return 0; sleep 0.1; done; echo "$1 does not count beyond $2"; return 1; }
        """;

    [VmFact]
    public void Criu_works_in_the_machine() => Assert.Contains("Looks good", Criu(rig.Shell("criu check 2>&1")), StringComparison.Ordinal);

    [VmFact]
    public void A_container_goes_on_where_it_was_saved()
    {
        string id = rig.NextId();
        string bundle = Counting(id);

        CommandResult result = rig.Shell($"""
            {WaitForCount}
            cd /tmp; caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            counts {id} 5; before=$(caisson exec {id} cat /tmp/count)
            caisson checkpoint --image-path /tmp/{id}.img --work-path /tmp/{id}.work {id} || grep Error /tmp/{id}.work/dump.log >&2
            caisson state {id} 2>&1 | grep -o 'does not exist'; ls -d /sys/fs/cgroup/caisson-{id} 2>/dev/null
            caisson restore -d --pid-file /tmp/{id}.pid --image-path /tmp/{id}.img --work-path /tmp/{id}.work --bundle {bundle} {id} </dev/null >/dev/null 2>/tmp/{id}.err ||
                {'{'} cat /tmp/{id}.err; grep Error /tmp/{id}.work/restore.log; {'}'} >&2
            caisson state {id} | grep -o running
            [ "$(caisson exec {id} cat /tmp/count)" -ge $before ] && echo went on
            counts {id} $((before + 5)) && echo counts
            cat /proc/$(cat /tmp/{id}.pid)/cgroup; cat /sys/fs/cgroup/caisson-{id}/pids.max
            ls /run/caisson/{id}
            caisson pause {id} && caisson resume {id} && caisson exec {id} hostname
            caisson delete --force {id}; echo $?; ls -d /sys/fs/cgroup/caisson-{id} 2>/dev/null; grep -c criu-root /proc/mounts
            """);

        Assert.True(
            $"does not exist\nrunning\nwent on\ncounts\n0::/caisson-{id}\n25\nconfig.json\njournal\nstate.json\n" == WithoutLock(result.Output)[..Math.Max(0, WithoutLock(result.Output).IndexOf("runc", StringComparison.Ordinal))]
                && result.Output.EndsWith("0\n0\n", StringComparison.Ordinal),
            $"{result}");
    }

    [VmFact]
    public void A_container_left_running_runs_and_its_images_serve_another()
    {
        string id = rig.NextId();
        string bundle = Counting(id);

        CommandResult result = rig.Shell($"""
            {WaitForCount}
            caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            counts {id} 3
            caisson checkpoint --leave-running --image-path /tmp/{id}.img {id}; echo $?
            counts {id} $(($(caisson exec {id} cat /tmp/count) + 3)) && echo still counts
            caisson restore -d --image-path /tmp/{id}.img --bundle {bundle} {id}b </dev/null >/dev/null 2>/tmp/{id}.err || cat /tmp/{id}.err >&2
            counts {id}b 3 && echo both count
            cat /proc/$(caisson state {id}b | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')/cgroup
            caisson list -q | grep {id} | sort
            caisson delete --force {id}; caisson delete --force {id}b
            """);

        Assert.True($"0\nstill counts\nboth count\n0::/caisson-{id}b\n{id}\n{id}b\n" == result.Output, $"{result}");
    }

    [VmFact]
    public void A_pre_dump_makes_the_checkpoint_smaller()
    {
        string id = rig.NextId();
        // What is large does nothing: a process that forks just then would have all its memory saved again.
        string bundle = rig.Bundle(id, bundle => bundle
            .Script($"mkfifo /tmp/never; (a=$(head -c 4000000 /dev/zero | tr '\\0' x); touch /tmp/ready; read b </tmp/never) & until [ -e /tmp/ready ]; do sleep 0.1; done; {Counter}").Mount("/tmp", "tmpfs", "tmpfs"));

        CommandResult result = rig.Shell($"""
            {WaitForCount}
            caisson run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            counts {id} 3; mkdir /tmp/{id}
            caisson checkpoint --pre-dump --image-path /tmp/{id}/parent {id}; echo $?
            counts {id} $(($(caisson exec {id} cat /tmp/count) + 3)) && echo still counts
            caisson checkpoint --parent-path ../parent --image-path /tmp/{id}/image {id}; echo $?
            [ $(du -k /tmp/{id}/parent | cut -f1) -gt $((3 * $(du -k /tmp/{id}/image | cut -f1))) ] && echo smaller
            [ -L /tmp/{id}/image/parent ] && echo linked
            caisson restore -d --image-path /tmp/{id}/image --bundle {bundle} {id} </dev/null >/dev/null 2>/tmp/{id}.err || cat /tmp/{id}.err >&2
            counts {id} 8 && echo counts again
            caisson delete --force {id}
            caisson checkpoint --parent-path /tmp --image-path /tmp/{id}/other none
            caisson checkpoint --parent-path ../nowhere --image-path /tmp/{id}/other none
            """);

        Assert.True("0\nstill counts\n0\nsmaller\nlinked\ncounts again\n" == result.Output, $"{result}");
        Assert.Contains("--parent-path must be relative", result.Error, StringComparison.Ordinal);
        Assert.Contains("invalid --parent-path", result.Error, StringComparison.Ordinal);
    }

    [VmFact]
    public void In_the_foreground_streams_and_the_exit_code_are_the_restored_ones()
    {
        string id = rig.NextId();
        string bundle = rig.Bundle(id, bundle => bundle.Script("echo before; until [ -e /tmp/go ]; do sleep 0.1; done; echo after; exit 7").Mount("/tmp", "tmpfs", "tmpfs"));

        CommandResult result = rig.Shell($"""
            (caisson run --bundle {bundle} {id} </dev/null 2>&1 | cat) >/tmp/{id}.first &
            until grep -q before /tmp/{id}.first; do :; done
            caisson checkpoint --image-path /tmp/{id}.img {id}; echo $?
            (sleep 1; until caisson exec {id} touch /tmp/go 2>/dev/null; do :; done) &
            caisson restore --image-path /tmp/{id}.img --bundle {bundle} {id} </dev/null 2>&1 | cat; echo ${'{'}PIPESTATUS[0]{'}'}
            caisson state {id} 2>&1 | grep -o 'does not exist'
            """);

        Assert.True("0\nafter\n7\ndoes not exist\n" == result.Output, $"{result}");
    }

    [VmFact]
    public void Hooks_mounts_and_systemd_are_as_for_a_new_container()
    {
        string id = rig.NextId();
        string bundle = Counting(id, bundle => bundle.Mount("/mnt", "bind", "/etc", "bind", "ro").Edit(config =>
        {
            config["linux"]!["cgroupsPath"] = $":test:{id}";
            config["hooks"] = new JsonObject
            {
                ["createRuntime"] = new JsonArray(Hook(id, "create")),
                ["poststart"] = new JsonArray(Hook(id, "start")),
                ["poststop"] = new JsonArray(Hook(id, "stop")),
            };
        }));

        CommandResult result = rig.Shell($"""
            {WaitForCount}
            caisson --systemd-cgroup run -d --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            counts {id} 2; caisson checkpoint --image-path /tmp/{id}.img {id}; echo $?
            cat /tmp/{id}.hooks; rm /tmp/{id}.hooks; systemctl is-active test-{id}.scope
            caisson --systemd-cgroup restore -d --image-path /tmp/{id}.img --bundle {bundle} {id} </dev/null >/dev/null 2>/tmp/{id}.err || cat /tmp/{id}.err >&2
            counts {id} 4 && systemctl is-active test-{id}.scope
            caisson exec {id} head -n 1 /mnt/machine-id
            caisson delete --force {id}; cat /tmp/{id}.hooks; systemctl is-active test-{id}.scope
            """);

        Assert.True(
            "0\ncreate\nstart\nstop\ninactive\nactive\nc0ffee00c0ffee00c0ffee00c0ffee00\ncreate\nstart\nstop\ninactive\n" == result.Output,
            $"{result}");
    }

    [VmFact]
    public void What_cannot_be_is_an_error()
    {
        string id = rig.NextId();
        string bundle = Counting(id);

        CommandResult result = rig.Shell($"""
            caisson create --bundle {bundle} {id} </dev/null >/dev/null 2>&1
            caisson checkpoint --image-path /tmp/{id}.img {id}
            caisson checkpoint --manage-cgroups-mode nonsense {id}
            caisson checkpoint --empty-ns mount {id}
            caisson delete --force {id}
            mkdir /tmp/{id}.empty
            caisson restore -d --image-path /tmp/{id}.empty --bundle {bundle} {id}
            caisson restore -d --image-path /tmp/{id}.nowhere --bundle {bundle} {id}
            caisson --criu /nonexistent/criu restore -d --image-path /tmp/{id}.empty --bundle {bundle} {id}
            echo '["/dev/null","/dev/null","/dev/null"]' >/tmp/{id}.empty/descriptors.json
            caisson restore -d --image-path /tmp/{id}.empty --bundle {bundle} {id}
            caisson list -q | grep {id}; ls -d /run/caisson/{id} /sys/fs/cgroup/caisson-{id} 2>/dev/null; grep -c criu-root /proc/mounts
            """);

        Assert.True("0\n" == result.Output, $"{result}");
        foreach (string message in (string[])
        [
            "Container cannot be checkpointed in created state", "Invalid manage-cgroups-mode value: nonsense", "namespace mount is not supported in --empty-ns",
            "must name a directory that `checkpoint` has filled", $"--image-path /tmp/{id}.nowhere", "--criu /nonexistent/criu: no such file", "restore: criu failed",
        ])
        {
            Assert.Contains(message, result.Error, StringComparison.Ordinal);
        }
    }

    private static string Criu(CommandResult result) => result.ExitCode == 0 ? result.Output : $"{result}";

    private static string WithoutLock(string text) => text.Replace("lock\n", "", StringComparison.Ordinal);

    private static JsonObject Hook(string id, string word) => new() { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", $"cat >/dev/null; echo {word} >>/tmp/{id}.hooks") };

    private string Counting(string id, Action<Bundle>? change = null) => rig.Bundle(id, bundle =>
    {
        bundle.Script(Counter).Mount("/tmp", "tmpfs", "tmpfs").Edit(config => config["linux"]!["resources"] = JsonNode.Parse("""{"pids":{"limit":25}}"""));
        change?.Invoke(bundle);
    });
}

/// <summary>The same on hosts where it cannot work.</summary>
public sealed class NoCheckpointTests : ContainerTest
{
    [VmFact]
    public void In_a_machine_it_is_refused()
    {
        Workplace place = Place(Isolation.Vm);
        place.Bundle.Script("sleep 1000");
        place.Detach();

        CommandResult saved = place.Run("checkpoint", "--image-path", Path.Combine(place.Path, "images"), place.Id);
        CommandResult restored = place.Run("restore", "--detach", "--image-path", place.Path, "--bundle", place.Bundle.Path, place.Id + "b");
        place.Run("delete", "--force", place.Id).Expect();

        Assert.Contains("checkpoint: isolation vm cannot do this yet", saved.Error, StringComparison.Ordinal);
        Assert.Contains("restore: isolation vm cannot do this yet", restored.Error, StringComparison.Ordinal);
    }

    [RootFact]
    public void Without_criu_the_error_names_it()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("sleep 1000");
        place.Detach();

        CommandResult result = place.Run("--criu", "no-such-criu", "checkpoint", "--image-path", Path.Combine(place.Path, "images"), place.Id);

        Assert.Equal("running", place.Status());
        place.Run("delete", "--force", place.Id).Expect();
        Assert.Contains("there is no no-such-criu on this host: install the package criu", result.Error, StringComparison.Ordinal);
    }

    /// <summary>A criu that fails, and whose check fails: what a host has whose kernel lacks what it needs.</summary>
    [RootFact]
    public void Where_criu_check_fails_the_error_says_so()
    {
        Workplace place = Place(Isolation.Namespaces);
        place.Bundle.Script("sleep 1000");
        place.Detach();
        string criu = Path.Combine(place.Path, "criu");
        File.WriteAllText(criu, "#!/bin/sh\n[ $1 = check ] && { echo 'Error (criu/cr-check.c:1): the kernel lacks it' >&2; exit 1; }\nexit 1\n");
        File.SetUnixFileMode(criu, (UnixFileMode)0b111_101_101);

        CommandResult result = place.Run("--criu", criu, "checkpoint", "--image-path", Path.Combine(place.Path, "images"), place.Id);

        Assert.Equal("running", place.Status());
        place.Run("delete", "--force", place.Id).Expect();
        Assert.Contains("`criu check` fails on this host (Error (criu/cr-check.c:1): the kernel lacks it)", result.Error, StringComparison.Ordinal);
    }
}
