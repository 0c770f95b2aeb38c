namespace Caisson.Ttrpc;

/// <summary>A call ended with a status other than Ok, from the other side or from this one.</summary>
public sealed class TtrpcException : Exception
{
    /// <summary>A failed call.</summary>
    /// <param name="code">What kind of failure.</param>
    /// <param name="message">The text of the side that failed.</param>
    /// <param name="cause">What brought it about on this side, if anything did.</param>
    public TtrpcException(TtrpcCode code, string message, Exception? cause = null)
        : base(message, cause)
    {
        Code = code;
    }

    /// <summary>What kind of failure.</summary>
    public TtrpcCode Code { get; }
}
