namespace Caisson.Protocol;

/// <summary>Bounds of what is relayed to a resolver.</summary>
public static class DnsLimits
{
    /// <summary>The largest message over UDP: what resolvers announce at most in ordinary use (RFC 6891, 6.2.5).</summary>
    public const int MaxBytes = 4096;
}
