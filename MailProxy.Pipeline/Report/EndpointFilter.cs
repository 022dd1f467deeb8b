using System.Collections.Frozen;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>Which events an endpoint wants. Pure.</summary>
internal sealed class EndpointFilter(WebhookEndpoint endpoint)
{
    private readonly FrozenSet<string> _types = endpoint.Types.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Of the types wanted; with final_only, those that say a message's last word.</summary>
    public bool Wants(MailEvent mailEvent) =>
        (_types.Count == 0 || _types.Contains(mailEvent.Type.Name()))
        && (!endpoint.FinalOnly || (mailEvent.MessageId is not null && mailEvent.Status.IsFinal()));
}
