using System.Text;
using Caisson.Linux;

namespace Caisson;

/// <summary>
/// Standard output and standard error by plain write(2). The Console class would start a thread and install signal handlers;
/// FileStream would write at offsets of its own, over what others wrote to the same open file.
/// </summary>
internal sealed class StandardStream
{
    internal static readonly StandardStream Output = new(1);
    internal static readonly StandardStream Error = new(2);

    private const uint LogFileMode = 0x1A4; // 0644

    private readonly int _number;

    private StandardStream(int number) => _number = number;

    internal void WriteLine(string line) => Write(line + "\n");

    internal void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes all of it. A closed pipe is not an error of the command: nobody is there to be told.</summary>
    internal void Write(ReadOnlySpan<byte> bytes)
    {
        FileFd stream = FileFd.FromNumber(_number);
        try
        {
            stream.WriteAll(bytes);
        }
        catch (SyscallException)
        {
        }
        finally
        {
            stream.Release();
        }
    }

    /// <summary>Appends one line to a log file with a single write, so that lines of several commands do not mix.</summary>
    internal static void Append(string path, ReadOnlySpan<byte> line)
    {
        using FileFd file = FileCalls.Open(path, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND, LogFileMode);
        file.WriteAll(line);
    }
}
