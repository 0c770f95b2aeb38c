using Caisson.Oci;

namespace Caisson.IntegrationTests.Agent;

/// <summary>A configuration as the host sends it to the agent.</summary>
internal static class TestSpec
{
    internal static OciSpec Create(string id, string command)
    {
        OciSpec spec = DefaultSpec.Create(rootless: false);
        return spec with
        {
            Hostname = id,
            Root = new OciRoot { Path = $"{AgentVm.Shared}/{id}/rootfs" },
            Process = Shell(command),
            Linux = spec.Linux! with
            {
                // The network is the machine's.
                Namespaces = [.. spec.Linux.Namespaces.Where(ns => ns.Type != "network"), new LinuxNamespace { Type = "cgroup" }],
            },
        };
    }

    internal static OciProcess Shell(string command) => DefaultSpec.Create(rootless: false).Process! with
    {
        Terminal = false,
        Args = ["sh", "-c", command],
        Capabilities = new OciCapabilities
        {
            Bounding = ["CAP_KILL", "CAP_SYS_PTRACE"],
            Effective = ["CAP_KILL", "CAP_SYS_PTRACE"],
            Permitted = ["CAP_KILL", "CAP_SYS_PTRACE"],
        },
    };
}
