using System.Runtime.InteropServices;

namespace Caisson.Linux;

/// <summary>struct signalfd_siginfo: 128 bytes, of which we name what we read.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct SignalFdInfo
{
    [FieldOffset(0)] internal uint Signal;
    [FieldOffset(8)] internal int Code;
    [FieldOffset(12)] internal uint SenderPid;
    [FieldOffset(16)] internal uint SenderUserId;
    [FieldOffset(40)] internal int Status;
    [FieldOffset(44)] internal int Value;
}

/// <summary>A signal that a <see cref="SignalFd"/> delivered.</summary>
/// <param name="Signal">Which.</param>
/// <param name="SenderPid">Who sent it, in our pid namespace; the child for SIGCHLD.</param>
/// <param name="SenderUserId">Its real uid.</param>
/// <param name="Status">For SIGCHLD: exit status or signal.</param>
public readonly record struct ReceivedSignal(Signal Signal, int SenderPid, uint SenderUserId, int Status);

/// <summary>Signals as something to read, signalfd(2). The signals must be blocked in every thread.</summary>
public sealed class SignalFd : FileDescriptor
{
    /// <summary>An empty owner.</summary>
    public SignalFd()
    {
    }

    /// <summary>Receives these signals; non-blocking.</summary>
    public static SignalFd Create(SignalSet signals)
    {
        var fd = new SignalFd();
        OpenFlags flags = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;    // SFD_* have the values of O_*
        fd.Adopt((int)Libc.Check(Libc.signalfd4(289, -1, signals.Bits, 8, (int)flags), "signalfd4"));
        return fd;
    }

    /// <summary>Takes one pending signal; false when there is none.</summary>
    public bool TryTake(out ReceivedSignal signal)
    {
        SignalFdInfo info = default;
        if (!this.TryRead(MemoryMarshal.AsBytes(new Span<SignalFdInfo>(ref info)), out _, out Errno why))
        {
            signal = default;
            return why == Errno.EAGAIN ? false : throw new SyscallException("read(signalfd)", why);
        }

        signal = new ReceivedSignal((Signal)info.Signal, (int)info.SenderPid, info.SenderUserId, info.Status);
        return true;
    }
}
