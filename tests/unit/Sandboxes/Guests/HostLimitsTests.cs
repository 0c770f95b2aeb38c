using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Guests;

/// <summary>What a sandbox's cgroup on the host is held to, on this host's kernel.</summary>
public sealed class HostLimitsTests : IDisposable
{
    private readonly Cgroup _cgroup = Cgroup.Create(CgroupLayout.Discover(), $"/caisson-unit-{Environment.ProcessId}-{Guid.NewGuid():N}");

    public void Dispose() => _cgroup.Remove();

    [Theory]
    [InlineData(20_000L, 100_000ul, 70_000L)]
    [InlineData(250_000L, 50_000ul, 275_000L)]
    [InlineData(-1L, 100_000ul, -1L)]
    [InlineData(long.MaxValue, 100_000ul, long.MaxValue)]
    public void A_quota_is_widened_by_half_a_cpu(long quota, ulong period, long host) =>
        Assert.Equal(host, HostLimits.Widen(new LinuxCpu { Quota = quota, Period = period }, null).Quota);

    [Fact]
    public void A_new_period_keeps_the_containers_own_quota()
    {
        LinuxCpu widened = HostLimits.Widen(new LinuxCpu { Period = 50_000 }, (70_000, 100_000));

        Assert.Equal((45_000, 50_000ul), (widened.Quota, widened.Period));
    }

    [Fact]
    public void The_bandwidth_is_set_and_updated()
    {
        HostLimits.ApplyBandwidth(_cgroup, new LinuxResources { Cpu = new LinuxCpu { Quota = 20_000, Period = 100_000 } });
        Assert.Equal((70_000, 100_000ul), _cgroup.ReadCpuBandwidth());

        HostLimits.Update(_cgroup, new LinuxResources { Cpu = new LinuxCpu { Quota = 50_000 } });
        Assert.Equal((100_000, 100_000ul), _cgroup.ReadCpuBandwidth());

        HostLimits.Update(_cgroup, new LinuxResources { Cpu = new LinuxCpu { Quota = -1 } });
        Assert.Equal(-1, _cgroup.ReadCpuBandwidth()!.Value.Quota);
    }

    [Fact]
    public void The_file_of_cgroup_v2_bounds_the_host_too()
    {
        HostLimits.ApplyBandwidth(_cgroup, new LinuxResources { Unified = SpecMap.Empty<string>().With("cpu.max", "30000 100000") });

        Assert.Equal((80_000, 100_000ul), _cgroup.ReadCpuBandwidth());
    }

    // Kubernetes: the pod's cgroup has the sum of its containers' quotas, and v1 refuses more below it.
    [Fact]
    public void An_ancestor_without_room_for_the_allowance_gets_the_quota_itself()
    {
        string path = $"/caisson-unit-pod-{Environment.ProcessId}-{Guid.NewGuid():N}";
        Cgroup pod = Cgroup.Create(CgroupLayout.Discover(), path);
        Cgroup inner = Cgroup.Create(CgroupLayout.Discover(), path + "/c");
        try
        {
            pod.Apply(new CgroupLimits { Cpu = new CgroupCpuLimits { Quota = 40_000, Period = 100_000 } });

            HostLimits.ApplyBandwidth(inner, new LinuxResources { Cpu = new LinuxCpu { Quota = 40_000, Period = 100_000 } });

            Assert.Contains(inner.ReadCpuBandwidth()!.Value.Quota, new long[] { 40_000, pod.IsUnified ? 90_000 : 40_000 });
        }
        finally
        {
            inner.Remove();
            pod.Remove();
        }
    }

    [Fact]
    public void Processes_are_bounded_whatever_the_container_may_have()
    {
        HostLimits.ApplyToNew(_cgroup, new LinuxResources { Pids = new LinuxPids { Limit = 3 } }, MachineSize.For(null));

        Assert.True(_cgroup.TryGetDirectory("pids", out string? directory));
        Assert.Equal($"{HostLimits.ProcessLimit}\n", File.ReadAllText(directory + "/pids.max"));
    }

    [Fact]
    public void Swappiness_is_the_hosts()
    {
        HostLimits.ApplyToNew(_cgroup, new LinuxResources { Memory = new LinuxMemory { Swappiness = 7 } }, MachineSize.For(null));

        Assert.SkipWhen(_cgroup.IsUnified, "cgroup v2 has no swappiness");
        Assert.True(_cgroup.TryGetDirectory("memory", out string? directory));
        Assert.Equal("7\n", File.ReadAllText(directory + "/memory.swappiness"));
    }

    [Fact]
    public void Weight_zero_is_none()
    {
        // Docker writes it in every configuration; this host may not even have the file.
        HostLimits.ApplyToNew(_cgroup, new LinuxResources { BlockIO = new LinuxBlockIO { Weight = 0 } }, MachineSize.For(null));
    }
}
