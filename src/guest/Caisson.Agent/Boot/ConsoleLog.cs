using System.Text;
using Caisson.Linux;

namespace Caisson.Agent;

/// <summary>Lines on the machine's console, which the host keeps in a file. Quiet unless something is wrong.</summary>
internal static class ConsoleLog
{
    // A longer line is the work of whoever made its text, not ours.
    private const int MaxLineChars = 4000;

    // The kernel gives PID 1 /dev/console as its descriptors 0 to 2; they stay open for ever.
    private static readonly FileFd s_console = FileFd.FromNumber(2);

    /// <summary>Whether <see cref="Detail"/> is written: caisson.debug on the kernel's command line.</summary>
    internal static bool IsVerbose { get; set; }

    internal static void Write(string line)
    {
        // Text of the host or a container must not look like a line of ours, or steer a terminal.
        var text = new StringBuilder("caisson-agent: ", line.Length + 16);
        foreach (char letter in line.AsSpan(0, Math.Min(line.Length, MaxLineChars)))
        {
            text.Append(letter is '\n' or '\t' || letter >= ' ' ? letter : '?');
        }

        _ = s_console.TryWrite(Encoding.UTF8.GetBytes(text.Append('\n').ToString()), out _, out _);
    }

    internal static void Detail(string line)
    {
        if (IsVerbose)
        {
            Write(line);
        }
    }
}
