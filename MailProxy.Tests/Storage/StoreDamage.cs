using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Tests.Storage;

/// <summary>What only a crash, a fault or another version leaves in a store, written past every interface.</summary>
internal sealed class StoreDamage(StoreDatabase database)
{
    /// <summary>What was said in every attempt is no JSON any more.</summary>
    public Task GarbleDialoguesAsync() => RunAsync("UPDATE attempts SET detail = ?1", "{\"lines\":[nonsense");

    /// <summary>The types of every webhook are no JSON any more.</summary>
    public Task GarbleWebhooksAsync() => RunAsync("UPDATE webhooks SET types = ?1", "no JSON");

    /// <summary>Of a message no recipient is left.</summary>
    public Task LoseRecipientsAsync(long message) => RunAsync("DELETE FROM recipients WHERE message = ?1", message);

    /// <summary>As before the first start.</summary>
    public Task ForgetLinkKeyAsync() => RunAsync("DELETE FROM link_key");

    /// <summary>The circuit of an account, as it is written.</summary>
    public Task KeepCircuitAsync(AccountKey account, string json) =>
        RunAsync("INSERT INTO account_circuits (account, circuit) VALUES (?1, ?2)", account.Number, json);

    /// <summary>A batch is noted as suspended, and the crash came before its mail was set aside.</summary>
    public Task HalfSuspendAsync(string tenant, string batch) =>
        RunAsync("INSERT INTO suspended_batches VALUES (?1, ?2, 1)", tenant, batch);

    /// <summary>A batch is not suspended any more, and the crash came before this message of it was let go.</summary>
    public Task HalfActivateAsync(long message) => RunAsync("UPDATE queue SET state = 3 WHERE message = ?1", message);

    private Task<int> RunAsync(string sql, params object?[] values) => database.Writer.WriteAsync(session => session.Run(sql, values));
}
