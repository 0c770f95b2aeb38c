namespace Caisson.Ttrpc;

/// <summary>The other side sent bytes that are not ttrpc. The connection cannot go on: where the next frame begins is not known.</summary>
public sealed class ProtocolException : IOException
{
    /// <summary>A breach of the protocol.</summary>
    /// <param name="message">What was read, and what the limit or the rule is.</param>
    public ProtocolException(string message)
        : base(message)
    {
    }
}
