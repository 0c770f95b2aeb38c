namespace Caisson.GuestImage;

/// <summary>A guest image cannot be built: the message names the step, the file and, where there is one, the remedy.</summary>
public sealed class GuestImageException : Exception
{
    public GuestImageException(string step, string path, string problem)
        : base($"guest image: {step} {path}: {problem}")
    {
    }

    public GuestImageException(string step, string path, Exception cause)
        : base($"guest image: {step} {path}: {cause.Message}", cause)
    {
    }
}
