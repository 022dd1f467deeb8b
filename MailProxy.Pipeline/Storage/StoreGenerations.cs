using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Storage;

/// <summary>One life of a store.</summary>
/// <param name="Id">8 bytes.</param>
/// <param name="Key">32 bytes.</param>
/// <param name="FirstEvent">Its events stand at this position and after it.</param>
/// <param name="FirstAudit">So with its entries of the audit log.</param>
/// <param name="BackupAt">When the backup was made that it began with, in Unix milliseconds; null: it began with nothing, or with an
/// older program's store.</param>
public sealed record StoreGeneration(byte[] Id, byte[] Key, long FirstEvent, long FirstAudit, long? BackupAt)
{
    internal const int IdSize = 8,
        KeySize = 32;
}

/// <summary>The lives of a store, oldest first, and the names that they give: ids of events, which stay what they were when a store is
/// restored, and cursors, which belong to one life only. Thread-safe.</summary>
/// <remarks>A plain number would tell every tenant how many events the others have, and would be given a second time after a
/// restore.</remarks>
public sealed class StoreGenerations
{
    private const int PositionSize = sizeof(long);
    private const int EventIdSize = 16;

    private static readonly int NonceSize = AesGcm.NonceByteSizes.MaxSize;
    private static readonly int TagSize = AesGcm.TagByteSizes.MaxSize;
    private static readonly int CursorSize = StoreGeneration.IdSize + NonceSize + PositionSize + TagSize;

    private readonly StoreGeneration[] _all;
    private readonly byte[] _cursorKey;

    public StoreGenerations(IEnumerable<StoreGeneration> all)
    {
        _all = [.. all];
        if (_all.Length == 0)
            throw new ArgumentException("A store has at least one generation.", nameof(all));
        _cursorKey = HMACSHA256.HashData(Current.Key, "cursor"u8);
    }

    public StoreGeneration Current => _all[^1];

    public IReadOnlyList<StoreGeneration> All => _all;

    /// <summary>The only generation of a store that begins with nothing.</summary>
    public static StoreGenerations New() =>
        new([
            new(
                RandomNumberGenerator.GetBytes(StoreGeneration.IdSize),
                RandomNumberGenerator.GetBytes(StoreGeneration.KeySize),
                1,
                1,
                null
            ),
        ]);

    /// <summary>The id of the event at a position: the same for ever, and of no other event in any generation.</summary>
    public string EventId(long position)
    {
        var own = Array.FindLast(_all, generation => generation.FirstEvent <= position);
        if (own is null)
            return $"evt_{position}"; // told so before there were generations
        Span<byte> said = stackalloc byte[5 + PositionSize];
        "event"u8.CopyTo(said);
        BinaryPrimitives.WriteInt64BigEndian(said[5..], position);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(own.Key, said, hash);
        return "evt_" + Convert.ToHexStringLower(hash[..EventIdSize]);
    }

    /// <summary>A cursor of this generation; another one each time, so that two do not tell whether something lies between them.</summary>
    /// <param name="list">What is paged: a cursor of one list is none of another.</param>
    public byte[] Seal(string list, long position)
    {
        var cursor = new byte[CursorSize];
        var (id, nonce, content, tag) = Parts(cursor);
        Current.Id.CopyTo(id);
        RandomNumberGenerator.Fill(nonce);
        Span<byte> plain = stackalloc byte[PositionSize];
        BinaryPrimitives.WriteInt64BigEndian(plain, position);
        using var aes = new AesGcm(_cursorKey, TagSize);
        aes.Encrypt(nonce, plain, content, tag, System.Text.Encoding.UTF8.GetBytes(list));
        return cursor;
    }

    /// <summary>What a cursor says.</summary>
    public CursorReading Open(string list, byte[] cursor)
    {
        // Before there were generations a cursor was a number as text.
        if (cursor.Length is > 0 and < 20 && Array.TrueForAll(cursor, static octet => char.IsAsciiDigit((char)octet)))
            return new(null, OfAnotherLife: true);
        if (cursor.Length != CursorSize)
            return default;
        var (id, nonce, content, tag) = Parts(cursor);
        if (!id.SequenceEqual(Current.Id))
            return new(null, OfAnotherLife: true);
        Span<byte> plain = stackalloc byte[PositionSize];
        using var aes = new AesGcm(_cursorKey, TagSize);
        try
        {
            aes.Decrypt(nonce, content, tag, plain, System.Text.Encoding.UTF8.GetBytes(list));
        }
        catch (AuthenticationTagMismatchException)
        {
            return default;
        }

        return new(BinaryPrimitives.ReadInt64BigEndian(plain), OfAnotherLife: false);
    }

    private static CursorParts Parts(Span<byte> cursor) => new(cursor);

    private readonly ref struct CursorParts(Span<byte> cursor)
    {
        private readonly Span<byte> _cursor = cursor;

        public void Deconstruct(out Span<byte> id, out Span<byte> nonce, out Span<byte> content, out Span<byte> tag)
        {
            id = _cursor[..StoreGeneration.IdSize];
            nonce = _cursor.Slice(StoreGeneration.IdSize, NonceSize);
            content = _cursor.Slice(StoreGeneration.IdSize + NonceSize, PositionSize);
            tag = _cursor[^TagSize..];
        }
    }
}

/// <param name="Position">Null: it is no cursor of that list, or none any more.</param>
/// <param name="OfAnotherLife">It was one once, before the store was restored or its program renewed.</param>
public readonly record struct CursorReading(long? Position, bool OfAnotherLife);
