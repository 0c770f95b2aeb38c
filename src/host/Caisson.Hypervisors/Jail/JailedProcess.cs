using Caisson.Linux;

namespace Caisson.Hypervisors;

/// <summary>How to start this program again with its hidden verb; found once, by whoever hosts the hypervisor.</summary>
/// <param name="Path">The executable.</param>
/// <param name="Environment">What it needs of the environment: nothing, for a native one.</param>
public sealed record LauncherProgram(string Path, IReadOnlyList<string> Environment)
{
    /// <summary>The running program itself.</summary>
    public static LauncherProgram Self { get; } = new("/proc/self/exe", []);
}

/// <summary>Clones the launcher into its namespaces, with exactly the descriptors it shall pass on.</summary>
internal static class JailedProcess
{
    /// <summary>All of them: the program sees no process, no interface, no shared memory and no name of the host.</summary>
    internal const CloneFlags AllNamespaces =
        CloneFlags.NewNs | CloneFlags.NewPid | CloneFlags.NewNet | CloneFlags.NewIpc | CloneFlags.NewUts;

    /// <summary>Starts the launcher; what it becomes is told by the instructions.</summary>
    /// <param name="launcher">The program with the hidden verb.</param>
    /// <param name="instructions">What to become; its <see cref="JailInstructions.Descriptors"/> are filled in here.</param>
    /// <param name="descriptors">Descriptors of ours under their numbers in the program, from 4 up.</param>
    /// <param name="errors">Standard output and error.</param>
    /// <param name="namespaces">The new namespaces.</param>
    /// <exception cref="SyscallException">The clone, or the execution of the launcher, failed; nothing is left.</exception>
    internal static ClonedProcess Start(
        LauncherProgram launcher,
        JailInstructions instructions,
        IReadOnlyDictionary<int, FileDescriptor> descriptors,
        FileDescriptor errors,
        CloneFlags namespaces)
    {
        using MemFd memory = (instructions with { Descriptors = [.. descriptors.Keys] }).ToMemFd();
        using FileFd nothing = FileCalls.Open("/dev/null", OpenFlags.O_RDWR);
        PreparedClone clone = new PreparedClone()
            .Setsid()
            .ResetSignals()
            .Umask(0x3F)    // 077
            .Chdir("/")
            .DuplicateTo(nothing, 0)
            .DuplicateTo(errors, 1)
            .DuplicateTo(errors, 2)
            .DuplicateTo(memory, JailLauncher.InstructionsDescriptor);
        int last = JailLauncher.InstructionsDescriptor;
        foreach ((int number, FileDescriptor descriptor) in descriptors)
        {
            clone.DuplicateTo(descriptor, number);
            last = Math.Max(last, number);
        }

        return clone
            .CloseRangeFrom(last + 1)
            .Execve(launcher.Path, ["caisson", JailLauncher.Verb], launcher.Environment)
            .Start(namespaces);
    }
}
