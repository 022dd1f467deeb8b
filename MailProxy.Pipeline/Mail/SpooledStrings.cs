using System.Globalization;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Mail;

/// <summary>A long string of a draft, whose octets went to a file while it arrived.</summary>
/// <param name="isBase64">The file has what the base64 encodes; otherwise the text as UTF-8.</param>
/// <param name="offset">Where in the file it begins.</param>
public sealed class SpooledString(bool isBase64, long offset)
{
    public bool IsBase64 { get; } = isBase64;

    public long Offset { get; } = offset;

    public long Length { get; set; }

    /// <summary>The last four characters of the base64, whose unused bits (RFC 4648 section 3.5) need not be zero; null: there are
    /// none.</summary>
    public string? Last { get; set; }

    /// <summary>False: it is not base64 although it should be.</summary>
    public bool IsValid { get; set; } = true;

    /// <summary>UTF-16 units of a text.</summary>
    public int Chars { get; set; }

    /// <summary>What the stored JSON says of it. Null until it was judged.</summary>
    public SpooledRef? Stored { get; set; }
}

/// <summary>
/// The long strings of one draft, and the file that has them. In the draft's JSON a short name stands for each, which begins
/// with the file's
/// nonce. Whoever has it disposes it; a file that was not finished is removed then.
/// </summary>
public sealed class SpooledStrings(SpoolDraft file, int at) : IDisposable
{
    private const int Block = 64 * 1024;

    private readonly List<SpooledString> _strings = [];

    public SpoolDraft File => file;

    /// <summary>Where in the memory of the request the draft names it first.</summary>
    public int At => at;

    public IReadOnlyList<SpooledString> All => _strings;

    /// <summary>Begins a string at the end of the file.</summary>
    /// <returns>The string, and the name that stands for it in the JSON.</returns>
    public (SpooledString String, string Name) Begin(bool isBase64)
    {
        var added = new SpooledString(isBase64, file.Length);
        _strings.Add(added);
        return (added, Name(_strings.Count - 1));
    }

    /// <summary>The string that was begun last stays in the JSON after all.</summary>
    public void TakeBack() => _strings.RemoveAt(_strings.Count - 1);

    /// <summary>Null: the text is the client's own.</summary>
    public SpooledString? Find(string? text)
    {
        if (text is null || !text.StartsWith(file.Nonce, StringComparison.Ordinal))
            return null;
        for (var i = 0; i < _strings.Count; i++)
        {
            if (text == Name(i))
                return _strings[i];
        }

        return null;
    }

    /// <summary>The name that stands for a string in the draft's JSON.</summary>
    public string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"{file.Nonce}/{index}");

    /// <summary>Reads a part of the file block by block, each of which is a multiple of three bytes but the last.</summary>
    /// <exception cref="IOException">The disk does not read.</exception>
    public void Read(long offset, long length, Action<ReadOnlySpan<byte>> take)
    {
        var block = System.Buffers.ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            for (var end = offset + length; offset < end; )
            {
                var some = block.AsSpan(0, (int)Math.Min(Block / 3 * 3, end - offset));
                file.Read(offset, some);
                take(some);
                offset += some.Length;
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(block);
        }
    }

    public void Dispose() => file.Dispose();
}
