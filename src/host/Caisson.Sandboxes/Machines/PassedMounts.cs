using Caisson.Containers;
using Caisson.Linux;
using Caisson.Oci;
using Caisson.Protocol.Control;

namespace Caisson.Sandboxes;

/// <summary>
/// The root file system and every bind mount's source, opened in the command's own mount namespace as detached mounts. Read-only mounts
/// are made so here: a guest cannot be trusted to keep to it.
/// </summary>
internal sealed class PassedMounts : IDisposable
{
    private readonly List<MountFd> _mounts = [];
    private readonly List<PassedMount> _descriptions = [];

    /// <summary>In the order that the descriptions count.</summary>
    internal FileDescriptor[] Descriptors => [.. _mounts];

    internal IReadOnlyList<PassedMount> Descriptions => _descriptions;

    internal static string RootfsPath(OciSpec spec, string bundle) => Absolute(spec.Root!.Path!, bundle);

    /// <exception cref="SandboxException">A source is missing or cannot be opened, or there are more than one message carries.</exception>
    internal static PassedMounts Open(OciSpec spec, string bundle)
    {
        var opened = new PassedMounts();
        try
        {
            opened.Add("root.path", RootfsPath(spec, bundle), mountIndex: -1, mount: null, spec.Linux);
            for (int i = 0; i < spec.Mounts.Count; i++)
            {
                if (GuestSpec.IsShared(spec.Mounts[i]))
                {
                    opened.AddMount(spec.Mounts[i], i, bundle, spec.Linux);
                }
            }

            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public void Dispose() => _mounts.ForEach(static mount => mount.Dispose());

    private void AddMount(OciMount mount, int index, string bundle, OciLinux? linux)
    {
        if (_mounts.Count == UnixSocket.MaxDescriptorsPerMessage)
        {
            throw new SandboxException($"mounts: more than {UnixSocket.MaxDescriptorsPerMessage - 1} bind mounts cannot be shared with a virtual machine");
        }

        string source = Absolute(mount.Source ?? "", bundle);
        Add($"mounts[{index}] {mount.Destination}", source, index, mount, linux);
    }

    private void Add(string what, string path, int mountIndex, OciMount? mount, OciLinux? linux)
    {
        try
        {
            bool isDirectory = FileCalls.Stat(path).Type == FileType.Directory;
            _mounts.Add(HandedSource.Open(path, mount, linux));
            _descriptions.Add(new PassedMount { DescriptorIndex = (uint)(_mounts.Count - 1), MountIndex = mountIndex, IsDirectory = isDirectory });
        }
        catch (SyscallException cause)
        {
            throw new SandboxException($"{what}: source {path}: {Failure.Words(cause.Errno)}", cause);
        }
    }

    private static string Absolute(string path, string bundle) => path.StartsWith('/') ? path : $"{bundle}/{path}";
}
