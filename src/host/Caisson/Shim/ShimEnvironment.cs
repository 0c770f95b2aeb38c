using System.Collections;
using Caisson.Linux;

namespace Caisson;

/// <summary>The variables of the shim's daemon and of the commands that it starts.</summary>
internal static class ShimEnvironment
{
    // A daemon that is idle most of the time: see SupervisorCommand.
    private const string SmallHeap = "DOTNET_GCgen0size";

    internal static List<string> ForDaemon() => [.. ForCommand(), $"{SmallHeap}=80000"];

    /// <summary>containerd's, without what concerns the daemon alone.</summary>
    internal static List<string> ForCommand()
    {
        var variables = new List<string>();
        bool hasPath = false;
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Key is SmallHeap)
            {
                continue;
            }

            hasPath |= variable.Key is "PATH";
            variables.Add($"{variable.Key}={variable.Value}");
        }

        if (!hasPath)
        {
            variables.Add(HostPrograms.UsualPath);
        }

        return variables;
    }
}
