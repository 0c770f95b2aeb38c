using System.Buffers.Text;

namespace Caisson.Linux;

/// <summary>Files of a cgroup directory, by three system calls each. Errors name file and value.</summary>
internal static class CgroupFile
{
    // cpu.stat, cgroup.events and single numbers: everything that is read into a stack buffer is far shorter.
    private const int ShortFileBytes = 256;

    internal static void Write(string directory, string file, string value)
    {
        if (!TryWrite(directory, file, value, out Errno why))
        {
            throw Failed(directory, file, value, why);
        }
    }

    internal static bool TryWrite(string directory, string file, string value, out Errno why) =>
        SmallFile.TryWrite($"{directory}/{file}", value, out why);

    internal static CgroupException Failed(string directory, string file, string value, Errno why) => why switch
    {
        Errno.ENOENT => new CgroupException($"write {directory}/{file} \"{value}\": the kernel has no such file there (the controller is not enabled or too old)", why),
        Errno.EBUSY when file.StartsWith("memory", StringComparison.Ordinal) =>
            new CgroupException($"write {directory}/{file} \"{value}\": more is in use than that, and it cannot be given back", why),
        _ => new CgroupException($"write {directory}/{file} \"{value}\"", why),
    };

    internal static bool TryRead(string directory, string file, out string text, out Errno why) =>
        SmallFile.TryReadText($"{directory}/{file}", out text, out why);

    internal static string Read(string directory, string file) => TryRead(directory, file, out string text, out Errno why)
        ? text
        : throw new CgroupException($"read {directory}/{file}", why);

    /// <summary>The one number of a file; <c>max</c> and -1 are the greatest. Null where there is no such file.</summary>
    internal static ulong? ReadNumber(string directory, string file)
    {
        Span<byte> text = stackalloc byte[ShortFileBytes];
        return SmallFile.TryReadStart($"{directory}/{file}", text, out int length, out _) && length > 0 ? ParseNumber(text[..length]) : null;
    }

    /// <summary>Reads a file of events from its start: the kernel wakes pollers at each change since then.</summary>
    internal static void TakeNote(FileDescriptor events)
    {
        const int SysLseek = 8;
        Libc.Check(Libc.syscall(SysLseek, events.Number), "lseek(cgroup events)");
        _ = events.Read(stackalloc byte[ShortFileBytes]);
    }

    internal static ulong ParseNumber(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out ulong number, out _) ? number : ulong.MaxValue;

    /// <summary>
    /// Writes values that constrain each other (a quota and its period, memory and memory with swap): the kernel refuses some orders with
    /// EINVAL, depending on what was there, so what was refused is tried again after the others, as long as that gets anywhere.
    /// </summary>
    internal static void WriteTogether(string directory, List<(string File, string Value)> writes)
    {
        while (writes.Count > 0)
        {
            int before = writes.Count;
            Errno firstError = Errno.None;
            for (int i = 0; i < writes.Count;)
            {
                if (TryWrite(directory, writes[i].File, writes[i].Value, out Errno why))
                {
                    writes.RemoveAt(i);
                    continue;
                }

                if (why != Errno.EINVAL)
                {
                    throw Failed(directory, writes[i].File, writes[i].Value, why);
                }

                firstError = firstError == Errno.None ? why : firstError;
                i++;
            }

            if (writes.Count == before)
            {
                throw Failed(directory, writes[0].File, writes[0].Value, firstError);
            }
        }
    }
}
