using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// An execve(2) whose strings already lie in native memory: prepared before a clone or before the last privilege is given up,
/// so that nothing but the call itself is left to fail.
/// </summary>
public sealed unsafe class PreparedExec : IDisposable
{
    private readonly byte* _block;
    private readonly FileDescriptor? _file;
    private byte* _path;
    private byte** _arguments;
    private byte** _environment;

    private PreparedExec(string path, FileDescriptor? file, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(environment);
        _file = file;
        int size = checked(NativeBlock.SizeOf(path) + NativeBlock.SizeOf(arguments) + NativeBlock.SizeOf(environment));
        _block = (byte*)NativeMemory.Alloc((nuint)size);
        Fill(path, arguments, environment);
    }

    /// <summary>Prepares execve(2) of a path.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">argv, its name first.</param>
    /// <param name="environment">The environment, as NAME=value.</param>
    public static PreparedExec OfPath(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment) =>
        new(path, null, arguments, environment);

    /// <summary>Prepares execveat(2) of an open file. A close-on-exec descriptor is right for programs, but not for scripts, whose interpreter opens it again.</summary>
    /// <param name="file">The program; must stay open.</param>
    /// <param name="arguments">argv, its name first.</param>
    /// <param name="environment">The environment, as NAME=value.</param>
    public static PreparedExec OfDescriptor(FileDescriptor file, IReadOnlyList<string> arguments, IReadOnlyList<string> environment) =>
        new("", file, arguments, environment);

    /// <summary>Executes the program. Returns only when that failed.</summary>
    /// <returns>The error.</returns>
    public Errno Execute()
    {
        // SAFETY: the block is ours until Dispose, and was filled by the constructor.
        _ = _file is null
            ? Libc.syscall(Libc.SYS_execve, (long)_path, (long)_arguments, (long)_environment)
            : Libc.syscall(Libc.SYS_execveat, _file.Number, (long)_path, (long)_arguments, (long)_environment, Libc.AT_EMPTY_PATH);
        Errno why = Libc.LastError;
        GC.KeepAlive(this);
        return why;
    }

    /// <summary>Frees the strings.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Free();
    }

    /// <summary>Frees the strings of an object that nobody disposed.</summary>
    ~PreparedExec() => Free();

    private void Fill(string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        // SAFETY: the block has the sum of the three sizes, and each Put uses up exactly its own.
        byte* position = _block;
        _path = NativeBlock.Put(path, ref position);
        _arguments = NativeBlock.Put(arguments, ref position);
        _environment = NativeBlock.Put(environment, ref position);
    }

    private void Free()
    {
        if (_path is not null)
        {
            // SAFETY: allocated in the constructor, and freed once: the path is null afterwards.
            _path = null;
            NativeMemory.Free(_block);
        }
    }
}
