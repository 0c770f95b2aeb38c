using System.Diagnostics;
using System.Text;
using Caisson.Harness;
using Caisson.Oci;
using Caisson.Protocol;
using Caisson.Ttrpc;
using Google.Protobuf;

namespace Caisson.IntegrationTests.Agent;

[Collection(nameof(AgentVm))]
public sealed class ContainerTests(AgentVm vm)
{
    private const int SigKill = 9;
    private const int SigTerm = 15;

    [VmFact]
    public async Task Agent_answers_and_tells_its_kernel()
    {
        VersionCheckResponse version = await vm.Client.VersionAsync(new CheckRequest());
        HealthCheckResponse health = await vm.Client.CheckAsync(new CheckRequest());

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        Assert.NotEqual(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), version.GrpcVersion);
        Assert.Matches(@"^\d+\.\d+\.\d+$", version.AgentVersion);
        TestContext.Current.SendDiagnosticMessage($"boot to first answer: {vm.BootTime.TotalMilliseconds:0} ms");
    }

    [VmFact]
    public async Task Container_runs_and_its_code_is_kept()
    {
        await using TestContainer container = await vm.CreateAsync("hostname; uname -r; echo wrong >&2; exit 7");
        await container.StartAsync();

        Assert.Equal(7, await container.WaitAsync());
        Assert.Equal(7, await container.WaitAsync());
        string[] lines = (await container.ReadToEndAsync()).Split('\n');
        Assert.Equal(container.Id, lines[0]);
        Assert.Equal((await vm.Client.VersionAsync(new CheckRequest())).GrpcVersion, lines[1]);
        Assert.Equal("wrong\n", await container.ReadToEndAsync(error: true));
    }

    [VmFact]
    public async Task Created_container_waits_for_its_start()
    {
        await using TestContainer container = await vm.CreateAsync("echo ran");
        ContainerRecord record = await RecordAsync(container.Id);

        Assert.Equal(ContainerState.Created, record.State);
        Assert.True(record.Init.Running);
        await container.StartAsync();
        Assert.Equal("ran\n", await container.ReadToEndAsync());
        TtrpcException again = await Assert.ThrowsAsync<TtrpcException>(container.StartAsync);
        Assert.Equal(TtrpcCode.FailedPrecondition, again.Code);
    }

    [VmFact]
    public async Task Missing_program_is_named_in_the_known_words()
    {
        TtrpcException failed = await Assert.ThrowsAsync<TtrpcException>(
            () => vm.CreateAsync("", spec => spec with { Process = spec.Process! with { Args = ["no-such-program"] } }));

        Assert.Contains("exec: \"no-such-program\": executable file not found in $PATH", failed.Message, StringComparison.Ordinal);
    }

    [VmFact]
    public async Task Exec_runs_beside_the_first_process()
    {
        await using TestContainer container = await vm.CreateAsync("sleep 1000");
        await container.StartAsync();

        Assert.Equal((3, "beside\n"), await container.RunAsync("echo beside; exit 3"));
        TtrpcException failed = await Assert.ThrowsAsync<TtrpcException>(
            () => container.ExecAsync(TestSpec.Shell("") with { Args = ["no-such-program"] }));
        Assert.Contains("executable file not found in $PATH", failed.Message, StringComparison.Ordinal);
    }

    [VmFact]
    public async Task Twenty_execs_at_once_each_get_their_own()
    {
        await using TestContainer container = await vm.CreateAsync("sleep 1000");
        await container.StartAsync();

        (int Code, string Output)[] results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => container.RunAsync($"echo {i}; exit {i}")));

        Assert.Equal(Enumerable.Range(0, 20).Select(i => (i, $"{i}\n")), results);
        Assert.Empty((await RecordAsync(container.Id)).Execs);
    }

    [VmFact]
    public async Task Signals_reach_one_process_or_all()
    {
        await using TestContainer container = await vm.CreateAsync("trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.1; done");
        await container.StartAsync();
        await container.ReadUntilAsync("ready");
        string exec = await container.ExecAsync("sleep 1000");

        await container.SignalAsync(SigKill, exec);
        Assert.Equal(128 + SigKill, await container.WaitAsync(exec));
        await container.SignalAsync(SigTerm);
        Assert.Equal(5, await container.WaitAsync());
        Assert.Equal("ready\ngot\n", await container.ReadToEndAsync(offset: 0UL));
    }

    [VmFact]
    public async Task Everything_dies_with_an_empty_exec_id()
    {
        await using TestContainer container = await vm.CreateAsync("sleep 1000");
        await container.StartAsync();
        string exec = await container.ExecAsync("sleep 1000");

        await vm.Client.SignalProcessAsync(new SignalProcessRequest { ContainerId = container.Id, Signal = SigKill });

        Assert.Equal(128 + SigKill, await container.WaitAsync());
        Assert.Equal(128 + SigKill, await container.WaitAsync(exec));
    }

    [VmFact]
    public async Task Paused_container_stands_still_and_refuses_exec()
    {
        await using TestContainer container = await vm.CreateAsync("i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done");
        await container.StartAsync();
        await container.ReadUntilAsync("3\n");

        await vm.Client.PauseContainerAsync(new PauseContainerRequest { ContainerId = container.Id });
        Assert.Equal(ContainerState.Paused, (await RecordAsync(container.Id)).State);
        TtrpcException refused = await Assert.ThrowsAsync<TtrpcException>(() => container.ExecAsync("true"));
        Assert.Contains("paused", refused.Message, StringComparison.Ordinal);
        await vm.Client.ResumeContainerAsync(new ResumeContainerRequest { ContainerId = container.Id });

        Assert.Equal(ContainerState.Running, (await RecordAsync(container.Id)).State);
        Assert.Equal(0, (await container.RunAsync("true")).Code);
    }

    [VmFact]
    public async Task Statistics_and_limits_are_those_of_the_container()
    {
        await using TestContainer container = await vm.CreateAsync("sleep 1000");
        await container.StartAsync();
        const long Limit = 64 * 1024 * 1024;
        var resources = new LinuxResources { Memory = new LinuxMemory { Limit = Limit }, Pids = new LinuxPids { Limit = 17 } };

        await vm.Client.UpdateContainerAsync(new UpdateContainerRequest
        {
            ContainerId = container.Id,
            ResourcesJson = ByteString.CopyFrom(SpecWriter.Write(resources)),
        });
        CgroupStats stats = (await vm.Client.StatsContainerAsync(new StatsContainerRequest { ContainerId = container.Id })).CgroupStats;

        Assert.Equal((ulong)Limit, stats.MemoryStats.Usage.Limit);
        Assert.InRange(stats.MemoryStats.Usage.Usage, 1UL, (ulong)Limit);
        Assert.Equal(17UL, stats.PidsStats.Limit);
        Assert.True(stats.CpuStats.CpuUsage.TotalUsage > 0);
    }

    [VmFact]
    public async Task Lack_of_memory_kills_and_is_told()
    {
        var memory = new LinuxResources { Memory = new LinuxMemory { Limit = 16 * 1024 * 1024 } };
        await using TestContainer container = await vm.CreateAsync(
            "exec tail -c 100000000 /dev/zero", spec => spec with { Linux = spec.Linux! with { Resources = memory } });
        Task<OOMEvent> event_ = vm.Client.GetOOMEventAsync(new GetOOMEventRequest());
        await container.StartAsync();

        Assert.Equal(128 + SigKill, await container.WaitAsync());
        Assert.Equal(container.Id, (await event_).ContainerId);
    }

    [VmFact]
    public async Task Processes_are_listed_as_ps_does()
    {
        await using TestContainer container = await vm.CreateAsync("exec sleep 1000");
        await container.StartAsync();

        string table = await ListAsync(container.Id, "table");
        string selected = await ListAsync(container.Id, "table", "-o", "pid,args");
        string json = await ListAsync(container.Id, "json");

        Assert.Matches(@"^UID +PID +PPID +C +STIME +TTY +TIME +CMD\n", table);
        Assert.Contains("sleep 1000", table, StringComparison.Ordinal);
        Assert.Matches(@"^ *PID COMMAND\n", selected);
        Assert.Equal(selected.Split('\n').Length - 2, json.Split(',').Length);
    }

    [VmFact]
    public async Task What_was_written_is_in_the_hosts_files()
    {
        await using TestContainer container = await vm.CreateAsync("echo written >/file", spec => spec with { Root = spec.Root! with { Readonly = false } });
        await container.StartAsync();
        await container.WaitAsync();
        await vm.Client.SyncAsync(new SyncRequest());

        Assert.Equal("written\n", await File.ReadAllTextAsync(Path.Combine(container.Rootfs, "file")));
    }

    [VmFact]
    public async Task Ids_that_would_be_paths_are_refused()
    {
        foreach (string id in (string[])["", "..", "a/b", "a\nb", new string('a', 1000)])
        {
            TtrpcException refused = await Assert.ThrowsAsync<TtrpcException>(
                () => vm.Client.CreateContainerAsync(new CreateContainerRequest { ContainerId = id }));
            Assert.Equal(TtrpcCode.InvalidArgument, refused.Code);
        }

        TtrpcException unknown = await Assert.ThrowsAsync<TtrpcException>(
            () => vm.Client.StartContainerAsync(new StartContainerRequest { ContainerId = "unknown" }));
        Assert.Equal(TtrpcCode.NotFound, unknown.Code);
    }

    [VmFact]
    public async Task Guest_takes_clock_seed_and_files()
    {
        const string File = AgentVm.Top + "/shared/../copied/file";
        await vm.Client.SetGuestDateTimeAsync(new SetGuestDateTimeRequest { Sec = 2_000_000_000, Usec = 5 });
        await vm.Client.ReseedRandomDevAsync(new ReseedRandomDevRequest { Data = ByteString.CopyFrom(new byte[32]) });
        await vm.Client.CopyFileAsync(new CopyFileRequest { Path = File, FileSize = 6, FileMode = 0x81A4, DirMode = 0x1ED, Data = ByteString.CopyFromUtf8("abc") });
        await vm.Client.CopyFileAsync(new CopyFileRequest { Path = File, FileSize = 6, FileMode = 0x81A4, DirMode = 0x1ED, Offset = 3, Data = ByteString.CopyFromUtf8("def") });
        var bind = new OciMount { Destination = "/copied", Type = "bind", Source = AgentVm.Top + "/copied", Options = ["bind", "ro"] };
        await using TestContainer container = await vm.CreateAsync(
            "cat /copied/file; date -u +%s", spec => spec with { Mounts = [.. spec.Mounts, bind], Root = spec.Root! with { Readonly = false } });
        await container.StartAsync();

        string output = await container.ReadToEndAsync();
        Assert.StartsWith("abcdef", output, StringComparison.Ordinal);
        Assert.InRange(long.Parse(output["abcdef".Length..]), 2_000_000_000, 2_000_001_000);
        await Assert.ThrowsAsync<TtrpcException>(
            () => vm.Client.CopyFileAsync(new CopyFileRequest { Path = "/etc/passwd", FileSize = 0, FileMode = 0x81A4 }));
        GuestDetailsResponse details = await vm.Client.GetGuestDetailsAsync(new GuestDetailsRequest { MemBlockSize = true });
        Assert.True(details.AgentDetails.InitDaemon);
        Assert.True(details.MemBlockSizeBytes > 0);
    }

    [VmFact]
    public async Task Terminated_first_process_of_the_machine_goes_on()
    {
        await using TestContainer container = await vm.CreateAsync(
            "kill -TERM 1; kill -INT 1; kill -CHLD 1; (true &) ; echo alive",
            spec => spec with { Linux = spec.Linux! with { Namespaces = [.. spec.Linux.Namespaces.Where(ns => ns.Type != "pid")] } });
        await container.StartAsync();

        Assert.Equal("alive\n", await container.ReadToEndAsync());
        Assert.Equal(0, await container.WaitAsync());
    }

    [VmFact]
    public async Task Agent_is_small_again_after_work()
    {
        const int MaxKilobytes = 10 * 1024;
        TimeSpan patience = TimeSpan.FromSeconds(20);

        // Without a pid namespace of its own the container sees the agent.
        await using TestContainer container = await vm.CreateAsync(
            "while :; do grep VmRSS /proc/1/status; sleep 0.5; done",
            spec => spec with { Linux = spec.Linux! with { Namespaces = [.. spec.Linux.Namespaces.Where(ns => ns.Type != "pid")] } });
        await container.StartAsync();
        long start = Stopwatch.GetTimestamp();
        int kilobytes = int.MaxValue;
        ulong offset = 0;
        while (kilobytes > MaxKilobytes && Stopwatch.GetElapsedTime(start) < patience)
        {
            ReadStreamResponse part = await container.ReadAsync(offset);
            offset += (ulong)part.Data.Length;
            kilobytes = int.Parse(part.Data.ToStringUtf8().Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries)[^2]);
        }

        TestContext.Current.SendDiagnosticMessage($"agent: {kilobytes} kB of memory");
        Assert.InRange(kilobytes, 1, MaxKilobytes);
    }

    private async Task<ContainerRecord> RecordAsync(string id) =>
        Assert.Single((await vm.Client.ListContainersAsync(new ListContainersRequest())).Containers, record => record.Id == id);

    private async Task<string> ListAsync(string id, string format, params string[] args) => Encoding.UTF8.GetString(
        (await vm.Client.ListProcessesAsync(new ListProcessesRequest { ContainerId = id, Format = format, Args = { args } })).ProcessList.Span);
}
