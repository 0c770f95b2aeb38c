using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>What the kernel's command line asks of the agent. Words without our prefix are the kernel's.</summary>
/// <param name="UsesVsock">caisson.transport=vsock; else the port on virtio-serial.</param>
/// <param name="Verbose">caisson.debug.</param>
/// <param name="Fault">caisson.fault=POINT, honoured by test builds only.</param>
internal sealed record BootOptions(bool UsesVsock, bool Verbose, string? Fault)
{
    internal static BootOptions Read() => Parse(SmallFile.ReadText("/proc/cmdline"));

    internal static BootOptions Parse(string commandLine)
    {
        var options = new BootOptions(UsesVsock: false, Verbose: false, Fault: null);
        foreach (string word in commandLine.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? "" : word[(equals + 1)..];
            options = (equals < 0 ? word : word[..equals]) switch
            {
                "caisson.transport" => options with { UsesVsock = value == "vsock" },
                "caisson.debug" => options with { Verbose = value is "" or "1" },
                "caisson.fault" => options with { Fault = value },
                _ => options,
            };
        }

        return options;
    }
}
