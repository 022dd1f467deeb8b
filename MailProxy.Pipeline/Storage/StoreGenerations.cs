using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Storage;

/// <summary>One generation of a store; a restore begins a new one.</summary>
/// <param name="Id">8 bytes.</param>
/// <param name="Key">32 bytes.</param>
/// <param name="FirstEvent">The position of its first event.</param>
/// <param name="FirstAudit">The number of its first entry in the audit log.</param>
/// <param name="BackupAt">
/// When the backup was made that the generation began with, in Unix milliseconds; null when it began empty, or with the store of an older
/// program.
/// </param>
public sealed record StoreGeneration(byte[] Id, byte[] Key, long FirstEvent, long FirstAudit, long? BackupAt)
{
    internal const int IdSize = 8,
        KeySize = 32;
}

/// <summary>
/// The generations of a store, oldest first, and the names that they give: ids of events, which stay the same when a store is restored,
/// and
/// cursors, which are valid in one generation only. Thread-safe.
/// </summary>
/// <remarks>
/// Plain numbers are not used, because they would tell every tenant how many events the others have, and would be given again after a
/// restore.
/// </remarks>
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

    /// <summary>The only generation of a new, empty store.</summary>
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

    /// <summary>The id of the event at a position: it never changes, and no other event in any generation has it.</summary>
    public string EventId(long position)
    {
        var own = Array.FindLast(_all, generation => generation.FirstEvent <= position);
        if (own is null)
            return $"evt_{position}"; // the form of ids before there were generations
        Span<byte> said = stackalloc byte[5 + PositionSize];
        "event"u8.CopyTo(said);
        BinaryPrimitives.WriteInt64BigEndian(said[5..], position);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(own.Key, said, hash);
        return "evt_" + Convert.ToHexStringLower(hash[..EventIdSize]);
    }

    /// <summary>A cursor of this generation. It differs each time, so that two cursors do not reveal whether anything lies between
    /// them.</summary>
    /// <param name="list">The name of the paged list; a cursor of one list is not valid for another.</param>
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

    /// <summary>Reads a cursor.</summary>
    public CursorReading Open(string list, byte[] cursor)
    {
        // Before there were generations, a cursor was a number as text.
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

/// <param name="Position">Null when this is not a cursor of that list, or no longer a valid one.</param>
/// <param name="OfAnotherLife">Whether it was valid before the store was restored or the program updated.</param>
public readonly record struct CursorReading(long? Position, bool OfAnotherLife);
