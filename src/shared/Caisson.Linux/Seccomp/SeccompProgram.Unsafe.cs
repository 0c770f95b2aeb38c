using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct sock_fprog.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfProgramHeader
{
    internal ushort Length;
    internal BpfInstruction* Instructions;
}

/// <summary>A compiled filter.</summary>
public sealed unsafe class SeccompProgram
{
    private const uint SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
    private const uint SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16;

    private readonly BpfInstruction[] _instructions;

    internal SeccompProgram(BpfInstruction[] instructions, bool needsListener)
    {
        _instructions = instructions;
        NeedsListener = needsListener;
    }

    /// <summary>The program.</summary>
    public ReadOnlySpan<BpfInstruction> Instructions => _instructions;

    /// <summary>The program as the kernel reads it: an array of struct sock_filter.</summary>
    public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes<BpfInstruction>(_instructions);

    /// <summary>Whether some calls are decided by a supervisor, so that <see cref="InstallWithListener"/> must be used.</summary>
    public bool NeedsListener { get; }

    /// <summary>Filters the calling thread, and whatever it clones or executes, for ever. Needs no_new_privs or CAP_SYS_ADMIN.</summary>
    public void Install(SeccompFlags flags = SeccompFlags.None)
    {
        long result = Load((uint)flags);
        if (result > 0)
        {
            throw new SyscallException($"seccomp: thread {result} cannot be synchronized", Errno.ESRCH);
        }
    }

    /// <summary>As <see cref="Install"/>, and returns the listener that decides what the Notify action is on.</summary>
    public FileFd InstallWithListener(SeccompFlags flags = SeccompFlags.None)
    {
        var listener = new FileFd();
        uint all = (uint)flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
        if ((flags & SeccompFlags.SynchronizeThreads) != 0)
        {
            all |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;    // else a thread's id and a descriptor could not be told apart
        }

        listener.Adopt((int)Load(all));
        return listener;
    }

    private long Load(uint flags)
    {
        const uint SECCOMP_SET_MODE_FILTER = 1;
        fixed (BpfInstruction* first = _instructions)
        {
            // SAFETY: the array is pinned until the call returns; the kernel copies it. Compile made sure that its length is at most 4096.
            var header = new BpfProgramHeader { Length = (ushort)_instructions.Length, Instructions = first };
            return Libc.Check(Libc.seccomp(317, SECCOMP_SET_MODE_FILTER, flags, (nint)(&header)), $"seccomp({_instructions.Length} instructions)");
        }
    }
}
