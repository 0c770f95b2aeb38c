using System.Buffers.Binary;
using Caisson.Linux;

namespace Caisson.Containers;

/// <summary>
/// A process of the hidden verb that was started before it is needed, and clones itself for each request: the start of a program is saved.
/// It never reads a request. Its clone does, one and no more, and nothing of one request is there for the next. Like its clones it lives in
/// the creator's namespaces and cgroup, is not dumpable, and ends when the creator's end of its socket does. For creators that reap every
/// child that they do not know: clones are such children.
/// </summary>
public sealed class InitTemplate
{
    /// <summary>What follows the verb in the template's arguments.</summary>
    internal const string Argument = "template";

    /// <summary>An order for a clone that is asked for in advance, and has time to make its memory its own.</summary>
    internal const byte InAdvance = 1;

    /// <summary>An order for a clone whose request follows at once.</summary>
    internal const byte AtOnce = 2;

    // A clone answers within milliseconds; one that was stopped never does.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly InitVerb _verb;
    private readonly Lock _lock = new();
    private UnixSocket? _template;    // under _lock
    private UnixSocket? _waiting;     // under _lock: the way to a clone that waits for its request

    /// <param name="verb">How the verb is entered.</param>
    public InitTemplate(InitVerb verb) => _verb = verb;

    /// <summary>Sees that there is a template, and a clone of it that waits. To be called when nobody is waiting for anything.</summary>
    /// <exception cref="SyscallException">The template cannot be started: requests then start processes of their own.</exception>
    public void Prepare()
    {
        lock (_lock)
        {
            _template ??= Start();
            _waiting ??= Clone(InAdvance);
        }
    }

    /// <summary>Gives a request to a clone.</summary>
    /// <returns>False if there is none or it died before it had read the request: nothing has happened then.</returns>
    internal bool TryGive(ReadOnlySpan<byte> document, ReadOnlySpan<FileDescriptor> descriptors)
    {
        if (descriptors.Length > UnixSocket.MaxDescriptorsPerMessage)
        {
            return false;
        }

        byte[] message = new byte[sizeof(int) + document.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, document.Length);
        document.CopyTo(message.AsSpan(sizeof(int)));
        return TryGive(TakeWaiting(), message, descriptors) || TryGive(CloneAtOnce(), message, descriptors);
    }

    private UnixSocket? TakeWaiting()
    {
        lock (_lock)
        {
            UnixSocket? taken = _waiting;
            _waiting = null;
            return taken;
        }
    }

    private UnixSocket? CloneAtOnce()
    {
        lock (_lock)
        {
            return Clone(AtOnce);
        }
    }

    private static bool TryGive(UnixSocket? clone, ReadOnlySpan<byte> message, ReadOnlySpan<FileDescriptor> descriptors)
    {
        if (clone is null)
        {
            return false;
        }

        using (clone)
        {
            try
            {
                clone.SendMessage(message, descriptors);
                if (Poller.Wait(clone, PollEvents.In, s_patience) == PollEvents.None)
                {
                    throw new ContainerException($"container init: the process that waited for the request did not take it within {s_patience.TotalSeconds:0} s", Errno.ETIMEDOUT);
                }

                // What it answers means that it has read all of the request.
                Span<byte> taken = stackalloc byte[1];
                return clone.Read(taken) == 1;
            }
            catch (SyscallException dead) when (dead.Errno is Errno.EPIPE or Errno.ECONNRESET)
            {
                return false;
            }
        }
    }

    // Under the lock. A template that is gone or takes no orders is replaced by the next Prepare.
    private UnixSocket? Clone(byte order)
    {
        if (_template is null)
        {
            return null;
        }

        (UnixSocket ours, UnixSocket theirs) = UnixSocket.Pair();
        using (theirs)
        {
            if (_template.TrySendMessage([order], [theirs], out _, out _))
            {
                return ours;
            }
        }

        ours.Dispose();
        _template.Dispose();
        _template = null;
        return null;
    }

    private UnixSocket Start()
    {
        (UnixSocket ours, UnixSocket theirs) = UnixSocket.Pair(UnixSocketKind.SeqPacket);
        using (theirs)
        using (PreparedTemplate(theirs).Start())
        {
            ours.SetNonBlocking(true);    // one that was stopped is given up, not waited for
            return ours;
        }
    }

    private PreparedClone PreparedTemplate(UnixSocket orders) => new PreparedClone()
        .DuplicateTo(orders, TemplateProcess.OrdersNumber)
        .CloseRangeFrom(TemplateProcess.OrdersNumber + 1)
        .ResetSignals()
        .Execveat(_verb.Executable, [.. _verb.Arguments, Argument], []);
}
