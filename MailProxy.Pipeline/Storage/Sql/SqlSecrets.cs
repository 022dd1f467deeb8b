using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Matches the stored secrets with the master keys once at start: either the key of every stored secret is available, or the store is
/// refused. With several keys, everything is sealed under the first of them.
/// </summary>
public static partial class SqlSecrets
{
    private const string ProofText = "mailproxy";

    /// <summary>
    /// Creates <c>master.key</c> when there is neither a key nor a secret. Throws <see cref="StoreRefusedException"/> when a key is
    /// malformed,
    /// missing or wrong.
    /// </summary>
    public static async Task<SecretBox> OpenAsync(StoreDatabase database, MasterKeySources sources, TimeProvider clock, ILogger logger)
    {
        var found = sources.Find();
        if (sources.File.LooseMode() is { } mode)
            Log.Loose(logger, sources.File.Path, mode);
        var wanted = database.Readers.Read(SealedColumns.KeysInUse);
        if (found.Keys.Count == 0 && wanted.Count == 0)
            found = found with { Keys = [sources.File.Create()] };

        var held = found.Keys.Select(k => k.Id).ToHashSet();
        wanted.ExceptWith(held);
        if (wanted.Count > 0)
            throw new StoreRefusedException(Refusal(wanted, held, found.LookedAt));

        var box = new SecretBox(found.Keys);
        await database.AgreeOnKeysAsync(box);
        var proofs = database.Readers.Read(Proofs);
        foreach (var id in box.KeyIds)
        {
            if (proofs.TryGetValue(id, out var proof))
                Check(box, id, proof);
            else
                await database.Writer.WriteAsync(session => Prove(session, box, id));
        }

        if (box.KeyIds.Count > 1)
        {
            var renewed = await database.Writer.WriteAsync(session => Renew(session, box, clock));
            Log.Renewed(logger, box.SealingKey, renewed, string.Join(", ", box.KeyIds.Where(id => id != box.SealingKey)));
        }

        return box;
    }

    private static int Renew(Session session, SecretBox box, TimeProvider clock)
    {
        var old = SealedColumns.KeysInUse(session);
        var renewed = SealedColumns.Renew(session, box);
        if (renewed > 0)
            AuditRows.Append(
                session,
                clock.GetUtcNow().ToUnixTimeMilliseconds(),
                "mailproxy",
                "master_key.renew",
                "master_key",
                Ids(old),
                Ids([box.SealingKey])
            );
        return renewed;
    }

    private static string Ids(IEnumerable<string> keys) =>
        JsonSerializer.Serialize([.. keys.Order()], StoredJson.Default.IReadOnlyListString);

    private static Dictionary<string, byte[]> Proofs(Session session) =>
        session
            .Query("SELECT key_id, proof FROM secret_keys", row => (Id: row.Text(0), Proof: row.Blob(1)))
            .ToDictionary(p => p.Id, p => p.Proof);

    private static int Prove(Session session, SecretBox box, string id) =>
        session.Run(
            "INSERT INTO secret_keys (key_id, proof) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            id,
            box.Seal(ProofText, ProofOwner(id), id)
        );

    private static void Check(SecretBox box, string id, byte[] proof)
    {
        if (box.Open(proof, ProofOwner(id)) != ProofText)
            throw new StoreRefusedException($"The proof of the master key {id} is not what this program wrote.");
    }

    private static string Refusal(IEnumerable<string> wanted, IReadOnlyCollection<string> held, IEnumerable<string> lookedAt) =>
        $"Stored secrets are sealed under the master key {string.Join(", ", wanted.Order())}, which is not there. Looked at: "
        + $"{string.Join("; ", lookedAt)}"
        + (held.Count > 0 ? $", which holds {string.Join(", ", held)}." : ".")
        + " Bring the key back; no other can open the secrets.";

    private static string ProofOwner(string id) => $"key/{id}/proof";

    private static partial class Log
    {
        [LoggerMessage(
            753,
            LogLevel.Warning,
            "The master key file {Path} may be read or written by others than its owner (mode {Mode}); set it to 0600"
        )]
        public static partial void Loose(ILogger logger, string path, string mode);

        [LoggerMessage(
            752,
            LogLevel.Warning,
            "Every stored secret is sealed under the master key {Key} ({Renewed} were sealed again just now). {Old} may be taken "
                + "out of the configuration; keep it with backups made before"
        )]
        public static partial void Renewed(ILogger logger, string key, int renewed, string old);
    }
}
