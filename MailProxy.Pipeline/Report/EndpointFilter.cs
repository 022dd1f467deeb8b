using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>Which events an endpoint wants. Pure.</summary>
internal sealed class EndpointFilter(WebhookEndpoint endpoint)
{
    private readonly Subscription _subscription = new(endpoint.Types, endpoint.FinalOnly);

    public bool Wants(MailEvent mailEvent) => _subscription.Wants(mailEvent.Type, mailEvent.MessageId is not null, mailEvent.Status);
}
