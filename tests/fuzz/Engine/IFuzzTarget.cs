namespace Caisson.Fuzz;

/// <summary>A reader of foreign bytes, and what may come out of it.</summary>
internal interface IFuzzTarget
{
    string Name { get; }

    /// <summary>How inputs are mutated.</summary>
    IShape Shape { get; }

    /// <summary>Sound inputs to begin with.</summary>
    IEnumerable<byte[]> Seeds { get; }

    /// <summary>Words that mean something to the reader.</summary>
    IEnumerable<string> Words => [];

    /// <summary>
    /// Reads one input. Catches what the reader documents; every other exception is a finding, and so is a broken promise, thrown as
    /// <see cref="BrokenPromiseException"/>.
    /// </summary>
    void Run(byte[] input);
}

/// <summary>Something other than an exception that must not be: a round trip that does not come back, a message that says nothing.</summary>
internal sealed class BrokenPromiseException(string what) : Exception(what)
{
    internal static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new BrokenPromiseException(what);
        }
    }

    /// <summary>Texts of errors are one line, and name what they are about.</summary>
    internal static void RequireClear(string message, string mentions)
    {
        Require(message.Contains(mentions, StringComparison.Ordinal), $"the message does not mention {mentions}: {message}");
        Require(!message.AsSpan().ContainsAnyInRange('\0', '\x1f'), $"the message has control characters: {Uri.EscapeDataString(message)}");
    }
}
