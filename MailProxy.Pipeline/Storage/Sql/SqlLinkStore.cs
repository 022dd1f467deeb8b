using System.Security.Cryptography;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Links in tables; the key that signs them is sealed.</summary>
public sealed class SqlLinkStore : ILinkStore
{
    private const string KeyOwner = "links/key";

    private readonly CommitLoop _writer;
    private readonly StoreReaders _readers;

    private SqlLinkStore(StoreDatabase database, byte[] key)
    {
        _writer = database.Writer;
        _readers = database.Readers;
        SigningKey = key;
    }

    public ReadOnlyMemory<byte> SigningKey { get; }

    /// <summary>Creates the signing key when there is none. Throws <see cref="StoreRefusedException"/> when it cannot be
    /// decrypted.</summary>
    public static async Task<SqlLinkStore> OpenAsync(StoreDatabase database, SecretBox box)
    {
        // Of several nodes that start on a new store one makes the key.
        var secret =
            database.Readers.Read(Read)
            ?? await database.Writer.WriteAsync(session => MakeOnce(session, box.Seal(Text(RandomNumberGenerator.GetBytes(32)), KeyOwner)));
        var key = Convert.FromBase64String(box.Open(secret, KeyOwner));

        // No person ever sets this key again, so it is sealed under a new master key automatically.
        if (SecretBox.KeyIdOf(secret) != box.SealingKey)
            await database.Writer.WriteAsync(session => Save(session, box, key));
        return new(database, key);
    }

    public Task<IReadOnlyList<FileLink>> LinksAsync(long message, int revision, long now) =>
        _readers.ReadAsync<IReadOnlyList<FileLink>>(session => LinkRows.OfMessage(session, message, revision, now));

    public Task<StoredLink?> FindAsync(long link) => _readers.ReadAsync(session => LinkRows.Find(session, link));

    public Task<LinkObject> ReserveAsync(LinkContent content, string key, long expiresAt, long now) =>
        _writer.WriteAsync(session => LinkRows.Reserve(session, content, key, expiresAt, now));

    public Task UploadedAsync(long number) => _writer.WriteAsync(session => LinkRows.Uploaded(session, number));

    public Task<FileLink> AddAsync(NewLink link, Func<long, string> url, long now) =>
        _writer.WriteAsync(session => LinkRows.Add(session, link, url, now));

    public Task<long?> NextRemovalAsync() => _readers.ReadAsync(LinkRows.NextRemoval);

    public Task<IReadOnlyList<LinkObject>> TakeRemovalsAsync(long now, int limit) =>
        _writer.WriteAsync<IReadOnlyList<LinkObject>>(session => LinkRows.TakeRemovals(session, now, limit));

    public Task RemovedAsync(long number) =>
        _writer.WriteAsync(session =>
        {
            LinkRows.Removed(session, number);
            return true;
        });

    public Task NotRemovedAsync(long number, long again) =>
        _writer.WriteAsync(session =>
        {
            LinkRows.NotRemoved(session, number, again);
            return true;
        });

    private static byte[]? Read(Session session) => session.QueryFirst("SELECT secret FROM link_key", row => row.Blob(0));

    // What another node has made meanwhile stands.
    private static byte[] MakeOnce(Session session, byte[] secret)
    {
        session.Run("INSERT INTO link_key (one, secret) VALUES (1, ?1) ON CONFLICT DO NOTHING", secret);
        return Read(session)!;
    }

    private static string Text(byte[] key) => Convert.ToBase64String(key);

    private static int Save(Session session, SecretBox box, byte[] key) =>
        session.Run(
            "INSERT INTO link_key (one, secret) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET secret = excluded.secret",
            box.Seal(Text(key), KeyOwner)
        );
}
