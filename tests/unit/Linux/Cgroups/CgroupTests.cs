using System.Globalization;
using Caisson.Linux;

namespace Caisson.UnitTests.Linux;

/// <summary>Against the cgroups of this machine, whatever versions are mounted. Each test has a cgroup of its own.</summary>
public sealed class CgroupTests : IDisposable
{
    private readonly CgroupLayout _layout = CgroupLayout.Discover();
    private readonly string _path = $"/caisson-test/{Guid.NewGuid():N}";
    private readonly Cgroup _cgroup;

    public CgroupTests() => _cgroup = Cgroup.Create(_layout, _path);

    public void Dispose()
    {
        _cgroup.KillAll(Signal.SIGKILL);
        _cgroup.Remove();
        GC.SuppressFinalize(this);
        foreach (string directory in _cgroup.Paths.Values)
        {
            // The parent is shared by concurrent tests: the last one removes it.
            _ = Libc.rmdir_path(Path.GetDirectoryName(directory)!);
        }
    }

    [Fact]
    public void Process_joins_in_every_hierarchy_and_is_listed()
    {
        using ClonedProcess child = Sleeper();
        _cgroup.Join(child.Pid);
        Assert.Contains(child.Pid, _cgroup.Pids());
        string own = File.ReadAllText($"/proc/{child.Pid}/cgroup");
        foreach (CgroupHierarchy hierarchy in _layout.Hierarchies)
        {
            string line = hierarchy.IsV2 ? $"0::{_path}" : $"{string.Join(',', hierarchy.Controllers)}:{_path}";
            Assert.Contains(line, own, StringComparison.Ordinal);
        }

        KillAndReap(child);
    }

    [Fact]
    public void Killing_reaches_children_below_and_removal_waits_for_the_end()
    {
        using ClonedProcess child = JoinThenRun("sleep 1000 & sleep 1000 & wait", stopAfter: false);
        Cgroup below = Cgroup.Create(_layout, _path + "/below");
        using ClonedProcess second = Sleeper();
        below.Join(second.Pid);
        Assert.True(_cgroup.Pids().Count >= 2);
        _cgroup.KillAll(Signal.SIGKILL);
        Assert.Equal(137, child.PidFd.Wait().Code);
        Assert.Equal(137, second.PidFd.Wait().Code);
        _cgroup.Remove();
        Assert.False(_cgroup.Exists);
        _cgroup.Remove(); // again: gone is fine
    }

    [Fact]
    public void Frozen_tasks_are_killed_too()
    {
        using ClonedProcess child = Sleeper();
        _cgroup.Join(child.Pid);
        _cgroup.Freeze();
        Assert.True(_cgroup.IsFrozen);
        _cgroup.Thaw();
        Assert.False(_cgroup.IsFrozen);
        _cgroup.Freeze();
        _cgroup.KillAll(Signal.SIGKILL);
        Assert.Equal(137, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Limits_grow_and_shrink_in_any_order()
    {
        Assert.SkipWhen(_cgroup.IsUnified, "files of cgroup v1");
        _cgroup.Apply(Limits(memory: 64, swap: 64, quota: 50_000, period: 100_000));
        _cgroup.Apply(Limits(memory: 256, swap: 512, quota: 900_000, period: 1_000_000));
        Assert.Equal("268435456", Read("memory", "memory.limit_in_bytes"));
        Assert.Equal("536870912", Read("memory", "memory.memsw.limit_in_bytes"));
        _cgroup.Apply(Limits(memory: 32, swap: 48, quota: 2_000, period: 10_000));
        Assert.Equal("33554432", Read("memory", "memory.limit_in_bytes"));
        Assert.Equal("50331648", Read("memory", "memory.memsw.limit_in_bytes"));
        Assert.Equal("2000", Read("cpu", "cpu.cfs_quota_us"));
        Assert.Equal("10000", Read("cpu", "cpu.cfs_period_us"));
        _cgroup.Apply(new CgroupLimits { Memory = new CgroupMemoryLimits { Limit = -1 }, Cpu = new CgroupCpuLimits { Quota = -1, Shares = 512 }, Pids = 20 });
        Assert.True(ulong.Parse(Read("memory", "memory.memsw.limit_in_bytes"), CultureInfo.InvariantCulture) > 1UL << 60);
        Assert.Equal("512", Read("cpu", "cpu.shares"));
        Assert.Equal("20", Read("pids", "pids.max"));
    }

    [Fact]
    public void Impossible_order_of_memory_and_swap_names_file_and_value()
    {
        Assert.SkipWhen(_cgroup.IsUnified, "files of cgroup v1");
        var refused = Assert.Throws<CgroupException>(() => _cgroup.Apply(Limits(memory: 64, swap: 32, quota: -1, period: 100_000)));
        Assert.Equal(Errno.EINVAL, refused.Errno);
        Assert.Contains("memory.memsw.limit_in_bytes \"33554432\"", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_controller_is_named()
    {
        Assert.SkipWhen(_cgroup.IsUnified || _layout.Find("net_cls") is not null, "needs a host without net_cls");
        var refused = Assert.Throws<CgroupException>(() => _cgroup.Apply(new CgroupLimits { NetworkClass = 1 }));
        Assert.Contains("\"net_cls\"", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unified_files_cannot_leave_the_directory()
    {
        var refused = Assert.Throws<CgroupException>(() =>
            UnifiedLimits.Apply("/nowhere", new CgroupLimits { Unified = new Dictionary<string, string> { ["../cgroup.procs"] = "1" } }));
        Assert.Contains("../cgroup.procs", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Device_rules_of_v1_hold()
    {
        Assert.SkipWhen(_cgroup.IsUnified, "files of cgroup v1");
        _cgroup.Apply(new CgroupLimits { Devices = s_onlyNull });
        Assert.Equal("c 1:3 rwm", Read("devices", "devices.list"));
        using ClonedProcess child = JoinThenRun("echo x >/dev/null || exit 1; head -c1 /dev/zero 2>/dev/null && exit 2; exit 0");
        Assert.Equal(0, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Device_program_of_v2_holds_and_is_replaced()
    {
        Assert.SkipWhen(_cgroup.UnifiedDirectory is null, "cgroup v2 is not mounted");
        using DirectoryFd directory = _cgroup.OpenUnifiedDirectory();
        DeviceRule readZero = DeviceRule.Parse(true, "c", 1, 5, "r");
        DeviceProgram.Install(directory, [.. s_onlyNull, readZero, DeviceRule.Parse(true, "c", 1, 5, "w"), DeviceRule.Parse(false, "c", 1, 3, "w")], "test");
        const string Script = "true <>/dev/zero || exit 1; true </dev/null || exit 2; true 2>&- >/dev/null && exit 3; true </dev/urandom && exit 4; exit 0";
        using ClonedProcess first = Shell(Script, directory);
        Assert.Equal(0, first.PidFd.Wait().Code);
        DeviceProgram.Install(directory, [DeviceRule.Parse(true, null, null, null, null)], "test");
        using ClonedProcess second = Shell("true </dev/urandom && true >/dev/null", directory);
        Assert.Equal(0, second.PidFd.Wait().Code);
    }

    [Fact]
    public void Child_starts_in_the_cgroup()
    {
        Assert.SkipWhen(_cgroup.UnifiedDirectory is null, "cgroup v2 is not mounted");
        using DirectoryFd directory = _cgroup.OpenUnifiedDirectory();
        using ClonedProcess child = Shell($"grep -q '^0::{_path}$' /proc/self/cgroup", directory);
        Assert.Equal(0, child.PidFd.Wait().Code);
    }

    [Fact]
    public void Use_is_counted()
    {
        using ClonedProcess child = JoinThenRun("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; read x", stopAfter: false);
        Assert.True(SpinWait.SpinUntil(() => _cgroup.Stats().Cpu.UsageNanoseconds > 1_000_000, TimeSpan.FromSeconds(20)));
        CgroupStats stats = _cgroup.Stats();
        Assert.True(_cgroup.IsUnified || (stats.Memory.Usage > 0 && stats.Memory.Stat.Count > 10 && stats.Cpu.PerCpuNanoseconds.Count > 0));
        Assert.True(stats.PidsCurrent is null or >= 1);
        KillAndReap(child);
    }

    [Fact]
    public async Task Lack_of_memory_is_told()
    {
        Assert.SkipWhen(_cgroup.IsUnified || _layout.Find("memory") is null, "needs the memory controller");
        using var loop = new EventLoop();
        _cgroup.Apply(new CgroupLimits { Memory = new CgroupMemoryLimits { Limit = 8 << 20, Swap = 8 << 20 } });
        using OomWatch watch = _cgroup.WatchOom();
        using ClonedProcess child = JoinThenRun("x=$(head -c 64000000 /dev/zero | tr '\\0' a); exit 0");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Assert.True(await watch.WaitAsync(loop, patience.Token));
        child.PidFd.Wait();
        Assert.True(_cgroup.Stats().Memory.OomKills is null or >= 1);
    }

    [Fact]
    public void Recorded_paths_name_the_same_cgroup()
    {
        Cgroup again = Cgroup.OfPaths(_cgroup.Paths);
        Assert.True(again.Exists);
        Assert.Equal(_cgroup.IsUnified, again.IsUnified);
    }

    private static readonly DeviceRule[] s_onlyNull = [DeviceRule.Parse(false, null, null, null, "rwm"), DeviceRule.Parse(true, "c", 1, 3, "rwm")];

    private static CgroupLimits Limits(long memory, long swap, long quota, ulong period) => new()
    {
        Memory = new CgroupMemoryLimits { Limit = memory << 20, Swap = swap << 20 },
        Cpu = new CgroupCpuLimits { Quota = quota, Period = period },
    };

    private string Read(string controller, string file)
    {
        Assert.True(_cgroup.TryGetDirectory(controller, out string? directory));
        return File.ReadAllText($"{directory}/{file}").Trim();
    }

    private static ClonedProcess Sleeper() => Shell("exec sleep 1000");

    private static ClonedProcess Shell(string script, FileDescriptor? cgroup = null) =>
        new PreparedClone().ResetSignals().Execve("/bin/bash", ["bash", "-c", script], ["PATH=/bin:/usr/bin"]).Start(cgroup: cgroup);

    // The shell waits for a line, which comes when it has joined.
    private ClonedProcess JoinThenRun(string script, bool stopAfter = true)
    {
        (UnixSocket ours, UnixSocket theirs) = UnixSocket.Pair();
        using (theirs)
        {
            ClonedProcess child = new PreparedClone().DuplicateTo(theirs, 0).ResetSignals().CloseRangeFrom(3)
                .Execve("/bin/bash", ["bash", "-c", "read go; " + script], ["PATH=/bin:/usr/bin"]).Start();
            _cgroup.Join(child.Pid);
            ours.Write("go\n"u8);
            if (stopAfter)
            {
                ours.Dispose();
            }

            return child;
        }
    }

    private void KillAndReap(ClonedProcess child)
    {
        _cgroup.KillAll(Signal.SIGKILL);
        child.PidFd.Wait();
    }
}
