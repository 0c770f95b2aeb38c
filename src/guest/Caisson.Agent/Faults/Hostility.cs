using Caisson.Protocol;
using Google.Protobuf;

namespace Caisson.Agent;

/// <summary>How an agent that somebody has taken over treats its host. The words of caisson.fault are these names in lower case.</summary>
internal enum Manner
{
    /// <summary>As it should.</summary>
    Honest,

    /// <summary>Random bytes for ever instead of the next answer.</summary>
    Garbage,

    /// <summary>Answers announced with lengths that no frame may have.</summary>
    Oversize,

    /// <summary>Answers to calls that nobody made, and never the right one.</summary>
    Strangers,

    /// <summary>Whole frames whose payload is no message.</summary>
    Nonsense,

    /// <summary>Not a byte more, nor the echo of a handshake.</summary>
    Silence,

    /// <summary>More output than was asked for.</summary>
    Flood,

    /// <summary>Output from somewhere else in the stream.</summary>
    Misplace,

    /// <summary>Answers without output and without an end, as fast as they are asked for.</summary>
    Hollow,

    /// <summary>An exit code that no process has.</summary>
    Absurd,
}

/// <summary>The manner of this agent. Compiled into builds with CaissonTestFaults only, as all of this directory.</summary>
internal static class Hostility
{
    private static volatile Manner s_manner;

    internal static Manner Manner
    {
        get => s_manner;
        set => s_manner = value;
    }
}

internal static partial class FaultPoint
{
    static partial void TurnHostile(string manner) => Hostility.Manner = Enum.Parse<Manner>(manner, ignoreCase: true);
}

internal static partial class HostChannel
{
    static partial void Corrupt(ref Stream port) => port = new HostilePort(port);
}

internal sealed partial class AgentService
{
    private const int FloodBytes = 2 << 20;
    private const int AbsurdCode = -100_000;

    static partial void Falsify(ReadStreamResponse response)
    {
        switch (Hostility.Manner)
        {
            case Manner.Flood:
                response.Data = UnsafeByteOperations.UnsafeWrap(new byte[FloodBytes]);
                break;
            case Manner.Misplace:
                response.Offset += 4096;
                break;
            case Manner.Hollow:
                response.Data = ByteString.Empty;
                response.Eof = false;
                break;
        }
    }

    static partial void Falsify(WaitProcessResponse response)
    {
        if (Hostility.Manner == Manner.Absurd)
        {
            response.Status = AbsurdCode;
        }
    }
}
