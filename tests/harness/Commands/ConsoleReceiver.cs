using Caisson.Linux;

namespace Caisson.Harness;

/// <summary>The engine's end of <c>--console-socket</c>: takes the master of a container's terminal.</summary>
public sealed class ConsoleReceiver : IDisposable
{
    private readonly UnixSocket _listener;
    private FileFd? _master;
    private FileStream? _screen;

    public ConsoleReceiver(string path)
    {
        Path = path;
        _listener = UnixSocket.Listen(path);
    }

    public string Path { get; }

    public OutputCapture Screen { get; private set; } = null!;

    /// <summary>Takes the terminal. As an engine does: only after <c>create</c> has ended, and without an answer.</summary>
    /// <returns>The bytes that came with it.</returns>
    public int Receive()
    {
        using UnixSocket connection = _listener.Accept();
        byte[] name = new byte[256];
        ReceivedMessage message = connection.ReceiveMessage(name, maxDescriptors: 1);
        _master = message.Descriptors.Count == 1 ? message.Descriptors[0] : throw new HarnessException("the console socket got no descriptor");
        _screen = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(_master.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0);
        Screen = new OutputCapture(_screen);
        return message.Length;
    }

    public bool IsTerminal => Terminal.IsTerminal(_master!);

    public void Type(string text) => _master!.WriteAll(text);

    public void Resize(WindowSize size) => Terminal.SetSize(_master!, size);

    public void WaitForText(string text) =>
        Deadline.Wait($"\"{text}\" on the console", () => Screen.Text.Contains(text, StringComparison.Ordinal), () => Screen.Text);

    public void Dispose()
    {
        _listener.Dispose();
        _screen?.Dispose();
        _master?.Dispose();
        File.Delete(Path);
    }
}
