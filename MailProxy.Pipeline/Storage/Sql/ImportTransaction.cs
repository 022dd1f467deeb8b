using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What an import reads and writes, inside its transaction.</summary>
public sealed class ImportTransaction
{
    // An event beyond it is taken for one that the webhook wants.
    private const long MostLooked = 100_000;

    private const string Message = "SELECT number, state FROM messages WHERE tenant = ?1 AND id = ?2";
    private const string Recipient = "INSERT INTO recipients (message, ordinal, address, state) VALUES (?1, ?2, ?3, ?4)";
    private const string Attempts = "UPDATE messages SET attempts = ?2 WHERE number = ?1";
    private const string Round = "UPDATE queue SET round = ?2 WHERE message = ?1";
    private const string LastStatus = "SELECT status FROM events WHERE message = ?1 ORDER BY sequence DESC LIMIT 1";

    private readonly Session _session;
    private readonly SqlConfigurationStore _configuration;
    private readonly SqlCompatStore _compat;
    private readonly EventRows _events;
    private readonly NumberLine _numbers;
    private readonly string _actor;
    private readonly long _last;

    internal ImportTransaction(
        Session session,
        SqlConfigurationStore configuration,
        SqlCompatStore compat,
        EventRows events,
        NumberLine numbers,
        string actor,
        long now
    )
    {
        (_session, _configuration, _compat, _events, _numbers, _actor, Now) = (session, configuration, compat, events, numbers, actor, now);
        _last = numbers.LastMessage;
    }

    /// <summary>Unix milliseconds: when it began.</summary>
    public long Now { get; }

    public IReadOnlyList<Resource<T>> All<T>(Noun<T> noun)
        where T : class => _configuration.All(_session, noun);

    /// <summary>Makes a resource, or replaces one.</summary>
    /// <param name="before">The one that is replaced; null: there is none.</param>
    public Resource<T> Put<T>(Noun<T> noun, string tenant, string id, T value, Resource<T>? before = null)
        where T : class =>
        _configuration.Put(_session, noun, new(tenant, id, before?.Version ?? 0, value), _actor)
        ?? throw new InvalidOperationException($"{noun.Subject(tenant, id)} is there, and nobody has looked.");

    public string? Document(string tenant, string kind, string id) => _compat.Document(_session, tenant, kind, id);

    public void Keep(string tenant, string kind, string id, string document) => _compat.Keep(_session, tenant, kind, id, document);

    public void Note(CompatCommand command) => SqlCompatStore.Append(_session, command);

    /// <summary>Mail of a deleted tenant of this id has not been removed yet.</summary>
    public bool IsBeingRemoved(string tenant) =>
        _session.QueryNumber("SELECT EXISTS (SELECT 1 FROM removed_tenants WHERE id = ?1)", tenant) == 1;

    public bool HasMessages(string tenant) =>
        _session.QueryNumber("SELECT EXISTS (SELECT 1 FROM messages INDEXED BY messages_tenant WHERE tenant = ?1)", tenant) == 1;

    public bool Has(MessageKey message) => Find(message) is not null;

    /// <summary>Suspends a batch, for the mail that is added from now on.</summary>
    public void Suspend(string tenant, string batch) =>
        _session.Run("INSERT INTO suspended_batches (tenant, batch, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", tenant, batch, Now);

    /// <summary>Adds a message with its events.</summary>
    public ImportedAs Add(ImportedMail imported)
    {
        var mail = imported.Mail;
        var isFinal = imported.State.IsFinal();
        var number = isFinal
            ? MessageRows.TryInsertBare(_session, _numbers, mail, imported.State, imported.Events.Count)
            : MessageRows.TryInsert(_session, _numbers, mail, imported.State, sequence: imported.Events.Count);
        if (number is not { } added)
            return Find(mail.Key)!.Value.Number <= _last ? ImportedAs.Known : ImportedAs.Twice;
        if (isFinal)
            AddRecipients(added, mail, imported.State);
        else
            Enqueue(added, imported);
        if (imported.Attempts > 0)
            _session.Prepare(Attempts).Add(added).Add(imported.Attempts).Run();
        var sequence = 0;
        foreach (var one in imported.Events)
            _events.Append(
                mail.Key.Tenant,
                added,
                ++sequence,
                new(one.Type, one.Status, imported.Attempts, one.Detail),
                mail.Account,
                one.At
            );
        return ImportedAs.Added;
    }

    /// <summary>
    /// Appends an event to a message that was added before. False: there is no such message, the event is not of its state, or it is
    /// older than what was told last.
    /// </summary>
    public bool Tell(MessageKey key, EventType type, long at, byte[]? detail)
    {
        if (Find(key) is not var (number, state) || number <= _last)
            return false;
        var isOver = _session.Prepare(LastStatus).Add(number).Scalar() is { } last && ((MessageState)last).IsFinal();
        var mayBe = type switch
        {
            EventType.MessageDeferred => !isOver,
            EventType.MessageSent => !isOver && state == MessageState.Sent,
            EventType.MessageFailed => !isOver && state == MessageState.Failed,
            _ => state.IsFinal(),
        };
        if (mayBe)
            _events.Append(number, new(type, type == EventType.MessageDeferred ? MessageState.Deferred : state, 0, detail), at);
        return mayBe;
    }

    /// <summary>Whether every webhook of a tenant has been told what it wants.</summary>
    public bool IsReported(string tenant)
    {
        foreach (var endpoint in _configuration.All(_session, WebhookFields.Noun, tenant))
        {
            if (endpoint.Value is not { } value || !IsReported(value, Acknowledged(tenant, endpoint.Id)))
                return false;
        }

        return true;
    }

    /// <summary>Everything that was added so far counts as told to a tenant's webhooks.</summary>
    /// <param name="at">When, Unix milliseconds.</param>
    public void Acknowledge(string tenant, long at)
    {
        foreach (var id in _session.Query("SELECT id FROM webhooks WHERE tenant = ?1", static row => row.Text(0), tenant))
        {
            _session.Run("UPDATE webhooks SET acknowledged = ?3 WHERE tenant = ?1 AND id = ?2", tenant, id, _events.Last);
            AcknowledgementRows.Write(_session, tenant, id, _events.Last, at);
        }
    }

    /// <summary>Counts what was sent under an account's limits.</summary>
    /// <param name="at">Unix milliseconds.</param>
    public void Count(AccountKey account, long at, int messages) => LimitUses.Add(_session, LimitKey.Of(account), at, messages, Now);

    /// <summary>Tells the audit log.</summary>
    public void Audit(string action, string subject, string detail) =>
        AuditRows.Append(_session, Now, _actor, action, subject, null, detail);

    private bool IsReported(WebhookEndpoint endpoint, long acknowledged)
    {
        var wanted = Subscription.Of(endpoint);
        var seen = 0L;
        foreach (
            var (type, message, status) in _session.Query(
                "SELECT type, message, status FROM events WHERE tenant = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
                static row => ((EventType)row.Int(0), row.LongOrNull(1), (MessageState)row.Int(2)),
                endpoint.Tenant,
                acknowledged,
                MostLooked
            )
        )
        {
            if (wanted.Wants(type, message is not null, status) || ++seen == MostLooked)
                return false;
        }

        return true;
    }

    private long Acknowledged(string tenant, string id) =>
        _session.QueryNumber("SELECT acknowledged FROM webhooks WHERE tenant = ?1 AND id = ?2", tenant, id) ?? 0;

    private (long Number, MessageState State)? Find(MessageKey key)
    {
        var row = _session.Prepare(Message).Add(key.Tenant).Add(key.Id);
        if (!row.Step())
            return null;
        var found = (row.Long(0), (MessageState)row.Int(1));
        row.Reset();
        return found;
    }

    private void AddRecipients(long number, AcceptedMail mail, MessageState state)
    {
        var each = state == MessageState.Sent ? RecipientState.Sent : RecipientState.Failed;
        for (var i = 0; i < mail.Recipients.Count; i++)
            _session.Prepare(Recipient).Add(number).Add(i).Add(mail.Recipients[i]).Add((long)each).Run();
    }

    private void Enqueue(long number, ImportedMail imported)
    {
        var mail = imported.Mail;
        QueueRows.Insert(
            _session,
            number,
            mail.Lane,
            mail.Priority,
            imported.Due,
            QueueRows.Ready,
            1,
            0,
            mail.Recipients.Count,
            mail.ExpiresAt,
            FlowKey.Of(mail.Batch)
        );
        if (imported.Attempts > 0)
            _session.Prepare(Round).Add(number).Add(imported.Attempts).Run();
    }
}
