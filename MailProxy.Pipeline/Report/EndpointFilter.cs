using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>Decides which events an endpoint wants. Pure.</summary>
internal sealed class EndpointFilter(WebhookEndpoint endpoint)
{
    private readonly Subscription _subscription = Subscription.Of(endpoint);

    public bool Wants(MailEvent mailEvent) => _subscription.Wants(mailEvent.Type, mailEvent.MessageId is not null, mailEvent.Status);
}
