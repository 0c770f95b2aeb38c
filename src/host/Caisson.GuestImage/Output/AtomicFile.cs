namespace Caisson.GuestImage;

/// <summary>Replaces a file whole: readers see the old one or the new one, and a VM that has the old one mapped keeps it.</summary>
internal static class AtomicFile
{
    internal static long Write(string path, Action<Stream> write)
    {
        string beside = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            long length;
            using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(file);
                file.Flush(flushToDisk: true);
                length = file.Length;
            }

            File.Move(beside, path, overwrite: true);
            return length;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new GuestImageException("write", path, cause);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
