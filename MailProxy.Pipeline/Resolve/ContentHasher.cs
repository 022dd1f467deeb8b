using System.Buffers;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Computes both hashes of a stream, block by block.</summary>
internal sealed class ContentHasher : IDisposable
{
    /// <summary>Bytes of one block: the memory that one fetch uses, rented from the pool.</summary>
    public const int Block = 64 * 1024;

    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    // MD5 is compared with what clients claim, and never trusted for anything else.
    private readonly IncrementalHash _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);

    public void Append(ReadOnlySpan<byte> block)
    {
        _sha256.AppendData(block);
        _md5.AppendData(block);
    }

    /// <summary>The hash of everything appended so far; the hasher then starts over.</summary>
    public ContentDigest Take()
    {
        Span<byte> sha256 = stackalloc byte[32];
        Span<byte> md5 = stackalloc byte[16];
        _sha256.GetHashAndReset(sha256);
        _md5.GetHashAndReset(md5);
        return ContentDigest.Of(sha256, md5);
    }

    /// <summary>Hashes a file; also returns its length. Throws <see cref="IOException"/>.</summary>
    public static async Task<(ContentDigest Digest, long Size)> OfFileAsync(string path, CancellationToken cancel)
    {
        using var hasher = new ContentHasher();
        using var file = File.OpenHandle(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete,
            FileOptions.Asynchronous | FileOptions.SequentialScan
        );
        var buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            for (long at = 0; ; )
            {
                var read = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, Block), at, cancel);
                if (read == 0)
                    return (hasher.Take(), at);
                hasher.Append(buffer.AsSpan(0, read));
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public void Dispose()
    {
        _sha256.Dispose();
        _md5.Dispose();
    }
}
