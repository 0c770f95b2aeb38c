using System.Text.Json.Nodes;
using Caisson.Oci;

namespace Caisson.UnitTests.Oci;

public sealed class FeaturesWriterTests
{
    [Fact]
    public void Unknown_is_left_out_and_none_is_written()
    {
        var features = new OciFeatures
        {
            OciVersionMin = "1.0.0",
            OciVersionMax = "1.2.1",
            Hooks = ["prestart"],
            Linux = new LinuxFeatures
            {
                Namespaces = [],
                Cgroup = new CgroupFeatures { V1 = true, Systemd = false },
                Seccomp = new SeccompFeatures { Enabled = true, Archs = ["SCMP_ARCH_X86_64"] },
                Apparmor = false,
                IntelRdt = new IntelRdtFeatures(false),
                MemoryPolicyModes = ["MPOL_BIND"],
                IdMappedMounts = true,
                NetDevices = true,
            },
            PotentiallyUnsafeConfigAnnotations = ["io.caisson."],
        };

        JsonNode expected = JsonNode.Parse("""
            {
              "ociVersionMin": "1.0.0", "ociVersionMax": "1.2.1", "hooks": ["prestart"],
              "linux": {
                "namespaces": [], "cgroup": { "v1": true, "systemd": false },
                "seccomp": { "enabled": true, "archs": ["SCMP_ARCH_X86_64"] },
                "apparmor": { "enabled": false }, "intelRdt": { "enabled": false },
                "memoryPolicy": { "modes": ["MPOL_BIND"] },
                "mountExtensions": { "idmap": { "enabled": true } }, "netDevices": { "enabled": true }
              },
              "potentiallyUnsafeConfigAnnotations": ["io.caisson."]
            }
            """)!;
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(FeaturesWriter.Write(features))));
    }
}
