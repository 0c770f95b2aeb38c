namespace Caisson.Oci;

/// <summary>Bounds on what a specification may ask of the reader. Its author is not trusted.</summary>
public static class SpecLimits
{
    /// <summary>
    /// The largest document. The specification sets no bound; engines write 10 to 100 KiB, and containerd hands a
    /// specification over in one ttrpc message, which is bounded to 4 MiB (ttrpc channel.go, messageLengthMax).
    /// </summary>
    public const int MaxDocumentBytes = 4 << 20;

    /// <summary>The deepest nesting of a document; the specification itself needs seven levels (a seccomp argument).</summary>
    public const int MaxDepth = 32;

    /// <summary>How much of a foreign text is quoted in a message.</summary>
    internal const int MaxQuotedChars = 64;
}
