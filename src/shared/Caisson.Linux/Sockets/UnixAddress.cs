using System.Text;

namespace Caisson.Linux;

/// <summary>
/// A sockaddr_un for a path of any length, or for an abstract name, which is written with an @ before it as everywhere. sun_path holds 107 bytes and a NUL (unix(7)); a longer path is reached through an
/// O_PATH descriptor of its directory, which must stay open until the call is done.
/// </summary>
internal sealed class UnixAddress : IDisposable
{
    internal const int MaxPathBytes = 107;

    private const int FamilyBytes = 2;

    private readonly FileFd? _directory;
    private readonly byte[] _bytes;

    private UnixAddress(string path, FileFd? directory)
    {
        _directory = directory;
        int length = Encoding.UTF8.GetByteCount(path);
        if (length > MaxPathBytes || path.Contains('\0', StringComparison.Ordinal))
        {
            directory?.Dispose();
            throw new SyscallException($"socket path {path}", length > MaxPathBytes ? Errno.ENAMETOOLONG : Errno.EINVAL);
        }

        // An abstract name begins with a NUL instead of its @ and is as long as the address says: no NUL may follow.
        bool isAbstract = path[0] == '@';
        _bytes = new byte[FamilyBytes + length + (isAbstract ? 0 : 1)];
        _bytes[0] = Libc.AF_UNIX;
        Encoding.UTF8.GetBytes(path, _bytes.AsSpan(FamilyBytes));
        if (isAbstract)
        {
            _bytes[FamilyBytes] = 0;
        }
    }

    internal ReadOnlySpan<byte> Bytes => _bytes;

    internal static UnixAddress Of(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Encoding.UTF8.GetByteCount(path) <= MaxPathBytes)
        {
            return new UnixAddress(path, null);
        }

        string parent = Path.GetDirectoryName(path) is { Length: > 0 } given ? given : ".";
        var directory = new FileFd();
        directory.Adopt(Libc.Check(Libc.open_path(parent, Libc.OpenPathDirectory), $"open({parent})"));
        return new UnixAddress($"{directory.ProcPath}/{Path.GetFileName(path)}", directory);
    }

    public void Dispose() => _directory?.Dispose();
}
