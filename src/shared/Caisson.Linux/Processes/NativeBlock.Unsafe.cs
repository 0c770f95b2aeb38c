using System.Text;

namespace Caisson.Linux;

/// <summary>
/// Lays out C strings and vectors in one block of memory. The size is computed first, with the same walk that fills it.
/// </summary>
internal static unsafe class NativeBlock
{
    internal static int SizeOf(string text) => Align(Encoding.UTF8.GetByteCount(text) + 1);

    internal static int SizeOf(IReadOnlyList<string> texts)
    {
        int size = (texts.Count + 1) * sizeof(byte*);
        for (int i = 0; i < texts.Count; i++)
        {
            size = checked(size + SizeOf(texts[i]));
        }

        return size;
    }

    /// <summary>Copies a string with its NUL and moves the position behind it.</summary>
    internal static byte* Put(string text, ref byte* position)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("a string for the kernel contains a NUL character");
        }

        byte* start = position;
        int length = Encoding.UTF8.GetByteCount(text);
        // SAFETY: the owner of the block reserved SizeOf(text) bytes for this string, which is at least length + 1.
        Encoding.UTF8.GetBytes(text, new Span<byte>(start, length));
        start[length] = 0;
        position += Align(length + 1);
        return start;
    }

    /// <summary>Copies strings and a vector of pointers to them that ends with a null.</summary>
    internal static byte** Put(IReadOnlyList<string> texts, ref byte* position)
    {
        byte** vector = (byte**)position;
        position += (texts.Count + 1) * sizeof(byte*);
        // SAFETY: the owner of the block reserved SizeOf(texts) bytes: the vector with its null, and each string.
        for (int i = 0; i < texts.Count; i++)
        {
            vector[i] = Put(texts[i], ref position);
        }

        vector[texts.Count] = null;
        return vector;
    }

    private static int Align(int size) => (size + 7) & ~7;
}
