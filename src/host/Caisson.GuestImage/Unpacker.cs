using Caisson.Linux;

namespace Caisson.GuestImage;

/// <summary>
/// Undoes compressions by the programs that make them, which a host with such files has. A decompressor in this executable would be a
/// fiftieth of it, for what is done once for each kernel.
/// </summary>
internal static class Unpacker
{
    /// <param name="program">Such as <c>gzip</c>, which understands <c>-dc</c>.</param>
    /// <param name="packed">The compressed bytes.</param>
    /// <param name="limit">More than this does not come out, however much is in it.</param>
    /// <param name="step">What is being done, for errors.</param>
    /// <param name="path">The file the bytes are from, for errors.</param>
    /// <exception cref="GuestImageException">The program is missing, or the bytes are damaged or too many.</exception>
    internal static byte[] Unpack(string program, ReadOnlySpan<byte> packed, int limit, string step, string path)
    {
        string executable = HostPrograms.Find(program)
            ?? throw new GuestImageException(step, path, $"compressed with {program}, and this host has no such program: install it (the package that `apt-cache search -n {program}` names), or unpack the file first");
        using MemFd file = MemFd.Create("packed");
        file.WriteAll(packed);
        using FileFd input = FileCalls.Open(file.ProcPath, OpenFlags.O_RDONLY);
        using FileFd nowhere = FileCalls.Open("/dev/null", OpenFlags.O_WRONLY);
        using PipePair output = PipePair.Create();
        using ClonedProcess child = new PreparedClone()
            .ResetSignals()
            .SetSignalMask(0)
            .DuplicateTo(input, 0)
            .DuplicateTo(output.Write, 1)
            .DuplicateTo(nowhere, 2)
            .CloseRangeFrom(3)
            .Execve(executable, [program, "-dc"], [])
            .Start();
        output.Write.Dispose();
        try
        {
            byte[] bytes = output.Read.ReadToEnd(limit);
            ExitStatus status = child.PidFd.Wait();
            return status.Code == 0 ? bytes : throw new GuestImageException(step, path, $"damaged: `{program} -dc` ended with {status.Code}");
        }
        catch (IOException tooLong)
        {
            _ = child.PidFd.TrySendSignal((int)Signal.SIGKILL, out _);
            _ = child.PidFd.Wait();
            throw new GuestImageException(step, path, tooLong);
        }
    }
}
