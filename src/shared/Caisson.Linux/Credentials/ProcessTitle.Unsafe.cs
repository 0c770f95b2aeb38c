using System.Runtime.InteropServices;
using System.Text;

namespace Caisson.Linux;

/// <summary>struct prctl_mm_map (include/uapi/linux/prctl.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MemoryMapOfProcess
{
    internal ulong StartCode;
    internal ulong EndCode;
    internal ulong StartData;
    internal ulong EndData;
    internal ulong StartBreak;
    internal ulong Break;
    internal ulong StartStack;
    internal ulong ArgumentsStart;
    internal ulong ArgumentsEnd;
    internal ulong EnvironmentStart;
    internal ulong EnvironmentEnd;
    internal ulong AuxiliaryVector;
    internal uint AuxiliaryVectorSize;
    internal uint ExecutableFd;
}

/// <summary>The arguments that ps, top and /proc/PID/cmdline show for this process.</summary>
public static unsafe class ProcessTitle
{
    private const int PR_SET_MM = 35;
    private const nuint PR_SET_MM_MAP = 14;

    // 52 numbers and a name of 64 bytes at the most.
    private const int MaxStatBytes = 4096;

    // Owned here for the process's life: the kernel reads it whenever somebody reads /proc/PID/cmdline.
    private static byte* s_arguments;

    /// <summary>
    /// Shows these arguments instead of our own, and the first one's last component as the process's name. Called from the first thread.
    /// A kernel without CONFIG_CHECKPOINT_RESTORE shows as much as fits into the space of our own arguments.
    /// </summary>
    public static void Set(params IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0)
        {
            return;
        }

        Prctl.SetName(arguments[0][(arguments[0].LastIndexOf('/') + 1)..]);
        byte[] text = Encode(arguments);
        if (TryReadMap(out MemoryMapOfProcess map) && !TryPointKernelTo(text, map))
        {
            OverwriteInPlace(text, map);
        }
    }

    /// <summary>The way of <see cref="Set"/> that every kernel has.</summary>
    internal static void SetInPlace(IReadOnlyList<string> arguments)
    {
        if (TryReadMap(out MemoryMapOfProcess map))
        {
            OverwriteInPlace(Encode(arguments), map);
        }
    }

    /// <summary>
    /// Takes the environment that this process was started with out of its memory, and so out of /proc/PID/environ: for one that lives on
    /// beside its caller, whose variables may be secrets. Nothing finds a variable afterwards.
    /// </summary>
    public static void ClearEnvironment()
    {
        if (!TryReadMap(out MemoryMapOfProcess map))
        {
            return;
        }

        // SAFETY: the kernel itself says that our environment lies between these two addresses of our stack, which stays mapped and
        // writable. Readers of it (getenv, the runtime) find empty strings, each still ended by a zero.
        new Span<byte>((void*)map.EnvironmentStart, (int)(map.EnvironmentEnd - map.EnvironmentStart)).Clear();
    }

    private static byte[] Encode(IReadOnlyList<string> arguments) => Encoding.UTF8.GetBytes(string.Join('\0', arguments) + '\0');

    private static bool TryPointKernelTo(byte[] text, MemoryMapOfProcess map)
    {
        // SAFETY: freshly allocated with text.Length bytes, freed only below, when the kernel looks elsewhere.
        byte* fresh = (byte*)NativeMemory.Alloc((nuint)text.Length);
        text.CopyTo(new Span<byte>(fresh, text.Length));
        map.ArgumentsStart = (ulong)fresh;
        map.ArgumentsEnd = (ulong)fresh + (ulong)text.Length;
        map.ExecutableFd = uint.MaxValue;    // -1: keep /proc/PID/exe
        if (Libc.prctl(PR_SET_MM, PR_SET_MM_MAP, (nuint)(&map), (nuint)sizeof(MemoryMapOfProcess), 0) < 0)
        {
            NativeMemory.Free(fresh);
            return false;
        }

        NativeMemory.Free(s_arguments);
        s_arguments = fresh;
        return true;
    }

    private static void OverwriteInPlace(byte[] text, MemoryMapOfProcess map)
    {
        // SAFETY: the kernel itself says that our arguments lie between these two addresses of our stack, which stays mapped and
        // writable; the runtime copied them into strings before Main. The environment behind them is left alone: getenv reads it.
        var space = new Span<byte>((void*)map.ArgumentsStart, (int)(map.ArgumentsEnd - map.ArgumentsStart));
        if (!space.IsEmpty)
        {
            space.Clear();
            text.AsSpan(0, Math.Min(text.Length, space.Length - 1)).CopyTo(space);
        }
    }

    // Fields of /proc/PID/stat by number (proc(5)); the name in parentheses, which may hold anything, is skipped from behind. What is
    // read becomes addresses that are written to, so it must be the kernel that says it: a process in a container's root may have
    // anything of the image under /proc. False where it is not.
    private static bool TryReadMap(out MemoryMapOfProcess map)
    {
        map = default;
        if (!FileCalls.TryOpen("/proc/self/stat", OpenFlags.O_RDONLY, out FileFd file, out _))
        {
            return false;
        }

        string stat;
        using (file)
        {
            if (FileSystemStatus.Of(file).Type != FileSystemStatus.Proc)
            {
                return false;
            }

            stat = Encoding.UTF8.GetString(file.ReadToEnd(MaxStatBytes));
        }

        // A procfs all the same, but of another process or pid namespace.
        if (!stat.StartsWith($"{ProcessIdentity.OwnPid} (", StringComparison.Ordinal))
        {
            return false;
        }

        string[] after = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        ulong Field(int number) => ulong.Parse(after[number - 3]);
        map = new MemoryMapOfProcess
        {
            StartCode = Field(26),
            EndCode = Field(27),
            StartStack = Field(28),
            StartData = Field(45),
            EndData = Field(46),
            StartBreak = Field(47),
            Break = (ulong)Libc.brk(12, 0),
            ArgumentsStart = Field(48),
            ArgumentsEnd = Field(49),
            EnvironmentStart = Field(50),
            EnvironmentEnd = Field(51),
        };
        return true;
    }
}
