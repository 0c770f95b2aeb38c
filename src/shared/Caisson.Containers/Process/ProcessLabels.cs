using System.Text;
using Caisson.Linux;
using Caisson.Oci;

namespace Caisson.Containers;

/// <summary>
/// AppArmor profile and SELinux label of the workload, set for the next execve(2). The files are opened through the host's procfs
/// before privileges are given up, and written last.
/// </summary>
internal sealed class ProcessLabels : IDisposable
{
    private readonly FileFd? _apparmor;
    private readonly FileFd? _selinux;
    private readonly OciProcess _process;

    private ProcessLabels(OciProcess process, FileFd? apparmor, FileFd? selinux)
    {
        _process = process;
        _apparmor = apparmor;
        _selinux = selinux;
    }

    /// <summary>The descriptors that <see cref="Apply"/> needs.</summary>
    internal IReadOnlyList<FileDescriptor> Open => (_apparmor, _selinux) switch
    {
        (null, null) => [],
        ({ } one, null) => [one],
        (null, { } other) => [other],
        ({ } one, { } other) => [one, other],
    };

    internal static ProcessLabels Prepare(OciProcess process, DirectoryFd hostProc)
    {
        FileFd? apparmor = null;
        FileFd? selinux = null;
        if (!string.IsNullOrEmpty(process.ApparmorProfile) && process.ApparmorProfile != "unconfined")
        {
            apparmor = TryOpen(hostProc, "self/attr/apparmor/exec") ?? OpenRequired(hostProc, "self/attr/exec", "apparmor profile", process.ApparmorProfile);
        }

        if (!string.IsNullOrEmpty(process.SelinuxLabel))
        {
            selinux = OpenRequired(hostProc, "self/attr/exec", "selinux label", process.SelinuxLabel);
        }

        return new ProcessLabels(process, apparmor, selinux);
    }

    internal void Apply()
    {
        Write(_apparmor, "exec " + _process.ApparmorProfile, "apparmor profile");
        Write(_selinux, _process.SelinuxLabel ?? "", "selinux label");
    }

    private static FileFd? TryOpen(DirectoryFd hostProc, string path) =>
        FileCalls.TryOpenAt(hostProc, path, OpenFlags.O_WRONLY, out FileFd fd, out _) ? fd : null;

    // An LSM that is asked for and not there would be weaker isolation than was asked for.
    private static FileFd OpenRequired(DirectoryFd hostProc, string path, string what, string value) =>
        FileCalls.TryOpenAt(hostProc, path, OpenFlags.O_WRONLY, out FileFd fd, out Errno why)
            ? fd
            : throw ContainerException.Because($"{what} \"{value}\" cannot be applied on this host: open /proc/{path}", why);

    private static void Write(FileFd? file, string value, string what)
    {
        if (file is not null && !file.TryWrite(Encoding.UTF8.GetBytes(value), out _, out Errno why))
        {
            throw ContainerException.Because($"apply {what}: \"{value}\"", why);
        }
    }

    public void Dispose()
    {
        _apparmor?.Dispose();
        _selinux?.Dispose();
    }
}
