using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Caisson.Harness;

/// <summary>What a process writes, read on a thread of its own as it comes. All of it is hashed, the beginning is kept.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A MemoryStream holds nothing but memory.")]
public sealed class OutputCapture
{
    private const int KeptBytes = 4 << 20;

    private readonly Lock _lock = new();
    private readonly MemoryStream _kept = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[]? _digest;
    private long _length;
    private bool _ended;

    internal OutputCapture(Stream source)
    {
        new Thread(() => ReadAll(source)) { IsBackground = true, Name = "output" }.Start();
    }

    /// <summary>Whether the last holder of the writing end has closed it.</summary>
    public bool Ended
    {
        get
        {
            lock (_lock)
            {
                return _ended;
            }
        }
    }

    /// <summary>How many bytes came.</summary>
    public long Length
    {
        get
        {
            lock (_lock)
            {
                return _length;
            }
        }
    }

    /// <summary>What came so far.</summary>
    public string Text
    {
        get
        {
            lock (_lock)
            {
                return Encoding.UTF8.GetString(_kept.GetBuffer(), 0, (int)_kept.Length);
            }
        }
    }

    /// <summary>The SHA-256 of everything, once it has ended.</summary>
    public string Sha256
    {
        get
        {
            lock (_lock)
            {
                return Convert.ToHexString(_digest ?? throw new HarnessException("the output has not ended yet"));
            }
        }
    }

    private void ReadAll(Stream source)
    {
        byte[] buffer = new byte[64 << 10];
        while (true)
        {
            int count = TryRead(source, buffer);
            lock (_lock)
            {
                if (count <= 0)
                {
                    _digest = _hash.GetHashAndReset();
                    _ended = true;
                    return;
                }

                _length += count;
                _hash.AppendData(buffer, 0, count);
                _kept.Write(buffer, 0, (int)Math.Min(count, KeptBytes - _kept.Length));
            }
        }
    }

    // A pty's master reports EIO when its last slave is closed: that is its end of file.
    private static int TryRead(Stream source, byte[] buffer)
    {
        try
        {
            return source.Read(buffer);
        }
        catch (Exception ended) when (ended is IOException or ObjectDisposedException)
        {
            return 0;
        }
    }
}
