namespace Caisson.Linux;

/// <summary>One argument of a prepared system call: a number, or something that gets an address when the child's memory is laid out.</summary>
internal readonly record struct PreparedArgument
{
    internal long Value { get; init; }

    internal string? Text { get; init; }

    internal IReadOnlyList<string>? Texts { get; init; }

    internal byte[]? Bytes { get; init; }

    internal FileDescriptor? Descriptor { get; init; }

    internal static PreparedArgument Of(string text) => new() { Text = text };

    internal static PreparedArgument Of(IReadOnlyList<string> texts) => new() { Texts = texts };

    internal static PreparedArgument Of(byte[] bytes) => new() { Bytes = bytes };

    internal static PreparedArgument Of(FileDescriptor descriptor) => new() { Descriptor = descriptor };

    public static implicit operator PreparedArgument(long value) => new() { Value = value };
}

/// <summary>One system call that the child makes.</summary>
/// <param name="Name">What a message calls it, with its object.</param>
/// <param name="Number">Its number.</param>
/// <param name="Arguments">At most six.</param>
internal sealed record PreparedCall(string Name, int Number, PreparedArgument[] Arguments)
{
    /// <summary>The child goes on when this call fails.</summary>
    internal bool MayFail { get; init; }

    /// <summary>The call whose descriptor is replaced by this call's result, or null.</summary>
    internal PreparedCall? MovesFor { get; init; }
}
