using System.IO.MemoryMappedFiles;

namespace Caisson.Fuzz;

/// <summary>
/// The input that a worker is at, in memory that its parent sees too: after a stack overflow, a lack of memory or a hang, the worker
/// cannot tell any more.
/// </summary>
internal sealed class CurrentInput : IDisposable
{
    internal const int MaxBytes = 1 << 20;
    private const int CountAt = 0;
    private const int LengthAt = 8;
    private const int DataAt = 16;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    internal CurrentInput(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, DataAt + MaxBytes);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>How many inputs were begun.</summary>
    internal long Count => _view.ReadInt64(CountAt);

    internal void Begin(byte[] input)
    {
        _view.Write(LengthAt, input.Length);
        _view.WriteArray(DataAt, input, 0, input.Length);
        _view.Write(CountAt, _view.ReadInt64(CountAt) + 1);
    }

    internal byte[] Read()
    {
        byte[] input = new byte[Math.Clamp(_view.ReadInt32(LengthAt), 0, MaxBytes)];
        _view.ReadArray(DataAt, input, 0, input.Length);
        return input;
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
