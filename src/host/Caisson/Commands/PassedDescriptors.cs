using System.Globalization;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Sandboxes;

namespace Caisson;

/// <summary>
/// The descriptors from 3 up that a caller has for the workload: those of a service manager's sockets (sd_listen_fds(3)) first, then
/// those that <c>--preserve-fds</c> counts.
/// </summary>
/// <param name="Listening">How many are the service manager's.</param>
/// <param name="Preserved">How many more there are.</param>
internal readonly record struct PassedDescriptors(int Listening, int Preserved)
{
    private const int First = 3;

    internal int Count => Listening + Preserved;

    /// <summary>For a container's init.</summary>
    /// <exception cref="SandboxException">One of them is not open: its number would go to a descriptor of ours.</exception>
    internal static PassedDescriptors ForInit(FlagValues flags) => Checked(new PassedDescriptors(CountListening(), CountPreserved(flags)));

    /// <summary>For a further process, which is no service's.</summary>
    /// <exception cref="SandboxException">One of them is not open.</exception>
    internal static PassedDescriptors ForExec(FlagValues flags) => Checked(new PassedDescriptors(0, CountPreserved(flags)));

    /// <summary>Tells the workload of its sockets: it will be pid 1, for which they are then meant.</summary>
    internal OciSpec Announce(OciSpec spec) => Listening == 0 || spec.Process is null
        ? spec
        : spec with
        {
            Process = spec.Process with
            {
                Env = [.. spec.Process.Env, string.Create(CultureInfo.InvariantCulture, $"LISTEN_FDS={Listening}"), "LISTEN_PID=1"],
            },
        };

    // Only for the process that LISTEN_PID names: whoever forgot to unset the variables has not passed us anything.
    private static int CountListening() =>
        int.TryParse(Environment.GetEnvironmentVariable("LISTEN_PID"), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
        && pid == Environment.ProcessId
        && int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int listening)
            ? listening
            : 0;

    private static int CountPreserved(FlagValues flags)
    {
        int asked = flags.Number(CreationFlags.PreserveFds);
        return asked >= 0 ? asked : throw new SandboxException($"--{CreationFlags.PreserveFds} {asked}: must not be negative");
    }

    private static PassedDescriptors Checked(PassedDescriptors passed)
    {
        for (int i = 0; i < passed.Count; i++)
        {
            if (!Descriptors.IsInherited(First + i))
            {
                throw new SandboxException($"please check that preserved-fd {i} (of {passed.Count}) is present: descriptor {First + i} is not open");
            }
        }

        return passed;
    }
}
