using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Where mail is to go by another way, and whether a message may.</summary>
internal sealed class RerouteTargets(IMessageQueries queries, RerouteRules rules)
{
    /// <summary>Null: no account there may send from the message's From, or its body is lost, so that nobody knows.</summary>
    public async ValueTask<MessageChange.Reroute?> MayChangeAsync(MessageKey key, RerouteTarget target)
    {
        try
        {
            return await ChangeAsync(key, target);
        }
        catch (Exception error) when (error is BodyMissingException or BodyPurgedException)
        {
            return null;
        }
    }

    /// <summary>The same, but a body that is lost is an error.</summary>
    public async ValueTask<MessageChange.Reroute?> ChangeAsync(MessageKey key, RerouteTarget target)
    {
        var content = rules.NeedsContent(target.Account, target.Pool) ? await queries.ContentAsync(key) : null;
        return rules.To(target.Account, target.Pool, content);
    }
}

/// <summary>An account or a pool, exactly one of the two.</summary>
internal readonly record struct RerouteTarget(SmtpAccount? Account, Pool? Pool)
{
    /// <summary>Whether the message names it already.</summary>
    public bool IsOf(MessageView view) => Pool is null ? view.Pool is null && view.Account == Account!.Key : view.Pool == Pool.Key;
}
