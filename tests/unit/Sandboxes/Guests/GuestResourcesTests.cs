using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson.UnitTests.Sandboxes.Guests;

public sealed class GuestResourcesTests
{
    [Fact]
    public void The_guest_gets_what_its_kernel_can_hold()
    {
        var asked = new LinuxResources
        {
            Cpu = new LinuxCpu { Quota = 1000, Period = 10_000, Cpus = "3", Mems = "0" },
            Pids = new LinuxPids { Limit = 5 },
            BlockIO = new LinuxBlockIO { Weight = 10 },
            HugepageLimits = [new LinuxHugepageLimit { PageSize = "2MB", Limit = 4 << 20 }],
            Unified = SpecMap.Empty<string>().With("io.max", "8:0 rbps=1").With("cpuset.cpus", "3").With("memory.high", "1000000"),
        };

        LinuxResources guest = GuestResources.From(asked);

        Assert.Equal(new LinuxCpu { Quota = 1000, Period = 10_000 }, guest.Cpu);
        Assert.Equal((5, null), (guest.Pids!.Limit, guest.BlockIO));
        Assert.Equal(asked.HugepageLimits, guest.HugepageLimits);
        Assert.Equal("memory.high", Assert.Single(guest.Unified).Key);
    }
}
