using Caisson.Linux;
using Caisson.Protocol.Criu;
using Google.Protobuf;

namespace Caisson.Sandboxes;

/// <summary>CRIU, started for one request (<c>criu swrk</c>), with a socket of packets between it and us.</summary>
internal sealed class CriuProcess : IDisposable
{
    // Its socket, and from there on what it inherits of ours.
    private const int SocketNumber = 3;
    internal const int FirstInherited = 4;

    // CRIU's own bound for a message is one page and some (criu/cr-service.c); errors carry text.
    private const int MaxMessageBytes = 64 * 1024;

    private readonly UnixSocket _socket;

    private CriuProcess(UnixSocket socket, ClonedProcess process)
    {
        _socket = socket;
        Process = process;
    }

    internal ClonedProcess Process { get; }

    /// <summary>Finds the executable.</summary>
    /// <exception cref="SandboxException">There is none.</exception>
    internal static string Find(string? asked)
    {
        if (!string.IsNullOrEmpty(asked) && asked.Contains('/', StringComparison.Ordinal))
        {
            return File.Exists(asked) ? asked : throw new SandboxException($"--criu {asked}: no such file");
        }

        string name = string.IsNullOrEmpty(asked) ? "criu" : asked;
        return HostPrograms.Find(name)
            ?? throw new SandboxException($"checkpoints are made and restored by CRIU, and there is no {name} on this host: install the package criu");
    }

    /// <summary>Starts it with our standard streams, so that what it restores may inherit them.</summary>
    /// <param name="criu">The executable.</param>
    /// <param name="inherited">Its descriptors from <see cref="FirstInherited"/> up.</param>
    /// <param name="silent">Without a standard error: after a pre-dump it complains that nobody asks for more.</param>
    internal static CriuProcess Start(string criu, IReadOnlyList<FileDescriptor> inherited, bool silent = false)
    {
        using FileFd? nothing = silent ? FileCalls.Open("/dev/null", OpenFlags.O_RDWR) : null;
        (UnixSocket near, UnixSocket far) = UnixSocket.Pair(UnixSocketKind.SeqPacket);
        try
        {
            PreparedClone clone = new PreparedClone().ResetSignals().SetSignalMask(0).DuplicateTo(far, SocketNumber);
            if (nothing is not null)
            {
                clone.DuplicateTo(nothing, 2);
            }

            for (int index = 0; index < inherited.Count; index++)
            {
                clone.DuplicateTo(inherited[index], FirstInherited + index);
            }

            ClonedProcess process = clone
                .CloseRangeFrom(FirstInherited + inherited.Count)
                .Execve(criu, ["criu", "swrk", $"{SocketNumber}"], [HostPrograms.UsualPath, "LC_ALL=C"])
                .Start();
            return new CriuProcess(near, process);
        }
        catch
        {
            near.Dispose();
            throw;
        }
        finally
        {
            far.Dispose();
        }
    }

    /// <summary>Sends a request, and answers what CRIU tells meanwhile until it has done it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="notified">Told of each step; a descriptor comes with some, and is the callee's.</param>
    internal Reply Ask(Request request, Action<Notification, FileFd?> notified)
    {
        if (!_socket.TrySendMessage(request.ToByteArray(), [], out _, out _))
        {
            return Failed(request);
        }

        while (true)
        {
            Reply? received = Receive(out FileFd? descriptor);
            if (received is not { } answer)
            {
                return Failed(request);
            }

            if (answer.Type != Kind.Notify)
            {
                descriptor?.Dispose();
                return answer;
            }

            notified(answer.Notify ?? new Notification(), descriptor);
            if (!_socket.TrySendMessage(new Request { Type = Kind.Notify, NotifySuccess = true }.ToByteArray(), [], out _, out _))
            {
                return Failed(request);
            }
        }
    }

    /// <summary>Lets it end, and reaps it.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        Process.PidFd.Wait();
        Process.Dispose();
    }

    /// <summary>Ends it in the middle.</summary>
    internal void Kill() => Process.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);

    // It ended without an answer.
    private static Reply Failed(Request request) => new() { Type = request.Type, Success = false };

    private Reply? Receive(out FileFd? descriptor)
    {
        byte[] buffer = new byte[MaxMessageBytes];
        descriptor = null;
        if (!_socket.TryReceiveMessage(buffer, maxDescriptors: 1, out ReceivedMessage message, out _) || message.Length == 0)
        {
            return null;
        }

        descriptor = message.Descriptors is [FileFd one] ? one : null;

        try
        {
            return Reply.Parser.ParseFrom(buffer, 0, message.Length);
        }
        catch (InvalidProtocolBufferException cause)
        {
            descriptor?.Dispose();
            throw new SandboxException("criu sent an answer that is none", cause);
        }
    }
}
