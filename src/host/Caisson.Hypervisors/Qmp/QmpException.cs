namespace Caisson.Hypervisors;

/// <summary>QEMU refused a command, answered nonsense, or did not answer.</summary>
public sealed class QmpException : IOException
{
    /// <param name="command">The command, or the step of the protocol.</param>
    /// <param name="description">QEMU's own words, or what was wrong with its answer.</param>
    /// <param name="errorClass">QEMU's class of error; null if QEMU did not report one.</param>
    /// <param name="cause">The failure underneath.</param>
    public QmpException(string command, string description, string? errorClass = null, Exception? cause = null)
        : base($"qmp: {command}: {description}", cause)
    {
        Command = command;
        Description = description;
        ErrorClass = errorClass;
    }

    public string Command { get; }

    public string Description { get; }

    /// <summary><c>GenericError</c>, <c>CommandNotFound</c>, <c>DeviceNotFound</c> …, or null when the connection itself failed.</summary>
    public string? ErrorClass { get; }
}
