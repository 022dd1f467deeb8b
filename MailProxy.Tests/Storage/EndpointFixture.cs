using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Storage;

/// <summary>What the tests of the event log and its endpoints share.</summary>
internal abstract class EndpointFixture<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    protected static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    protected static readonly WebhookEndpoint Hook = new(
        "default",
        "hook",
        "https://example.com/in",
        "whsec_first",
        ["message.sent", "message.failed"],
        FinalOnly: true,
        MaxBatch: 7,
        Paused: false,
        new(999)
    );

    protected IDeliveryLog Log => Bench.Log;

    protected new IConfigurationStore Store => Bench.Configuration;

    /// <summary>Closes the store and opens it again.</summary>
    protected void Reopen() => Bench.Crash();

    protected List<(string Actor, string Action, string Text)> Audit() =>
        [.. Bench.Audit().Select(static entry => (entry.Actor, entry.Action, entry.Before + entry.After))];

    protected async Task AppendManyAsync(string tenant, int count)
    {
        var appends = new List<Task>(count);
        for (var i = 0; i < count; i++)
            appends.Add(Log.AppendAsync(tenant, EventType.WebhookDisabled, null, null, i));
        await Task.WhenAll(appends).WaitAsync(Generous);
    }
}
