namespace Caisson.Ttrpc;

/// <summary>The status codes of gRPC, which ttrpc carries in <c>google.rpc.Status.code</c>.</summary>
public enum TtrpcCode
{
    /// <summary>No error.</summary>
    Ok = 0,

    /// <summary>The caller gave the call up.</summary>
    Cancelled = 1,

    /// <summary>An error that has no code of its own.</summary>
    Unknown = 2,

    /// <summary>The request itself is wrong, whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The time allowed for the call has passed.</summary>
    DeadlineExceeded = 4,

    /// <summary>What the request names does not exist.</summary>
    NotFound = 5,

    /// <summary>What the request wants to make exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A limit was reached.</summary>
    ResourceExhausted = 8,

    /// <summary>The object is in the wrong state for this call.</summary>
    FailedPrecondition = 9,

    /// <summary>The call lost against another one and may be repeated.</summary>
    Aborted = 10,

    /// <summary>A position beyond the valid range.</summary>
    OutOfRange = 11,

    /// <summary>The service or the method is not there.</summary>
    Unimplemented = 12,

    /// <summary>The serving side failed.</summary>
    Internal = 13,

    /// <summary>The connection is gone; whether the call took effect is not known.</summary>
    Unavailable = 14,

    /// <summary>Data was lost.</summary>
    DataLoss = 15,

    /// <summary>The caller is not known.</summary>
    Unauthenticated = 16,
}
