using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>
/// The memory of one start: the list of calls, everything they point to, and the child's stack. Shared, so that the child's
/// results are seen even where it has a memory of its own; one per start, so that threads do not meet in it.
/// </summary>
internal sealed unsafe class CloneMemory : IDisposable
{
    internal const int DuplicateFrom = 1030; // F_DUPFD_CLOEXEC
    private const long NotRun = long.MinValue;
    private const int ProtReadWrite = 3;
    private const int MapSharedAnonymous = 0x21;

    private readonly byte* _start;
    private readonly int _size;

    internal CloneMemory(List<PreparedCall> calls, int stackBytes)
    {
        int size = checked((calls.Count + 1) * sizeof(Entry) + stackBytes + 16);
        foreach (PreparedCall call in calls)
        {
            foreach (PreparedArgument argument in call.Arguments)
            {
                size = checked(size + SizeOf(argument));
            }
        }

        _size = size;
        long mapped = Libc.mmap_anonymous(0, (nuint)size, ProtReadWrite, MapSharedAnonymous, -1, 0);
        if (mapped == -1)
        {
            throw new SyscallException($"mmap({size} bytes)", Libc.LastError);
        }

        _start = (byte*)mapped;
        Stack = _start;
        Calls = (Entry*)(_start + stackBytes);
        Fill(calls);
    }

    /// <summary>The lowest address of the child's stack.</summary>
    internal byte* Stack { get; }

    internal Entry* Calls { get; }

    /// <summary>Where the first call finds the signal mask of the starting thread.</summary>
    internal ulong* MaskToRestore => (ulong*)Calls[0].B;

    internal long ResultOf(int index) => Calls[index].Result == NotRun ? 0 : Calls[index].Result;

    internal bool HasRun(int index) => Calls[index].Result != NotRun;

    public void Dispose() => _ = Libc.munmap_block(_start, (nuint)_size);

    private static int SizeOf(in PreparedArgument argument) => argument switch
    {
        { Text: { } text } => NativeBlock.SizeOf(text),
        { Texts: { } texts } => NativeBlock.SizeOf(texts),
        { Bytes: { } bytes } => bytes.Length,
        _ => 0,
    };

    private void Fill(List<PreparedCall> calls)
    {
        // SAFETY: the constructor counted one entry more than there are calls, and the bytes of each argument with the same SizeOf.
        byte* position = (byte*)(Calls + calls.Count + 1);
        for (int i = 0; i < calls.Count; i++)
        {
            PreparedCall call = calls[i];
            Entry* entry = Calls + i;
            entry->Number = call.Number;
            entry->MayFail = call.MayFail ? 1 : 0;
            entry->Result = NotRun;
            for (int a = 0; a < call.Arguments.Length; a++)
            {
                (&entry->A)[a] = Place(call.Arguments[a], ref position);
            }
        }

        for (int i = 0; i < calls.Count; i++)
        {
            if (calls[i].MovesFor is { } user)
            {
                int index = calls.IndexOf(user);
                Calls[i].StoreAt = (long)(&Calls[index].A + ArgumentOf(user));
            }
        }
    }

    // All calls here use at most one descriptor.
    private static int ArgumentOf(PreparedCall call)
    {
        for (int i = 0; i < call.Arguments.Length; i++)
        {
            if (call.Arguments[i].Descriptor is not null)
            {
                return i;
            }
        }

        throw new InvalidOperationException($"{call.Name} uses no descriptor");
    }

    private static long Place(in PreparedArgument argument, ref byte* position)
    {
        switch (argument)
        {
            case { Text: { } text }:
                return (long)NativeBlock.Put(text, ref position);
            case { Texts: { } texts }:
                return (long)NativeBlock.Put(texts, ref position);
            case { Bytes: { } bytes }:
                byte* start = position;
                // SAFETY: SizeOf reserved the array's own length, always a multiple of 8.
                bytes.CopyTo(new Span<byte>(start, bytes.Length));
                position += bytes.Length;
                return (long)start;
            case { Descriptor: { } descriptor }:
                return descriptor.Number;
            default:
                return argument.Value;
        }
    }

    /// <summary>One call as <see cref="CloneStub"/> reads it; the offsets are in its machine code.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Entry
    {
        internal int Number;   // 0
        internal int MayFail;  // 4
        internal long A;       // 8
        internal long B;       // 16
        internal long C;       // 24
        internal long D;       // 32
        internal long E;       // 40
        internal long F;       // 48
        internal long Result;  // 56
        internal long StoreAt; // 64
    }
}

internal static unsafe partial class Libc
{
    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    internal static partial long mmap_anonymous(long address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    internal static partial int munmap_block(byte* address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    internal static partial int mprotect_block(byte* address, nuint length, int protection);
}
