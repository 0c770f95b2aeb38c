namespace Caisson.Linux;

/// <summary>Both ends of a pipe(2), close-on-exec.</summary>
public sealed class PipePair : IDisposable
{
    private PipePair(FileFd read, FileFd write)
    {
        Read = read;
        Write = write;
    }

    /// <summary>The end to read from. Owned by this object until <see cref="FileDescriptor.Release"/>.</summary>
    public FileFd Read { get; }

    /// <summary>The end to write to.</summary>
    public FileFd Write { get; }

    /// <summary>A new pipe.</summary>
    public static PipePair Create(bool nonBlocking = false)
    {
        var pair = new PipePair(new FileFd(), new FileFd());
        Span<int> numbers = stackalloc int[2];
        OpenFlags flags = OpenFlags.O_CLOEXEC | (nonBlocking ? OpenFlags.O_NONBLOCK : 0);
        Libc.Check(Libc.pipe2(numbers, (int)flags), "pipe2");
        pair.Read.Adopt(numbers[0]);
        pair.Write.Adopt(numbers[1]);
        return pair;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Read.Dispose();
        Write.Dispose();
    }
}
