using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What the tests of retention share.</summary>
internal abstract class RetentionFixture<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    protected const int Soon = 11_000;

    /// <summary>The rule in force.</summary>
    protected Retention Content { get; set; } = Retention.UntilReported;

    [SetUp]
    public void ResetRule() => Content = Retention.UntilReported;

    protected static async Task<bool> AsResult(Task task)
    {
        await task;
        return true;
    }

    protected RetentionRules Rules(TimeSpan? metadata = null) =>
        new(_ => Content, TimeSpan.FromDays(3), metadata ?? TimeSpan.FromDays(30), TimeSpan.FromDays(30));

    /// <summary>Until there is no more; what all slices took together, and what the last said of the time.</summary>
    protected async Task<PurgeSlice> PurgeAsync(TimeSpan? metadata = null)
    {
        var all = new PurgeSlice(0, 0, 0, true, 0);
        while (all.More)
        {
            var slice = await In30(Bench.Retention.PurgeAsync(Rules(metadata), Now));
            all = new(all.Contents + slice.Contents, all.Messages + slice.Messages, all.Events + slice.Events, slice.More, slice.NextDue);
        }

        return all;
    }

    protected Task SendAsync(string id) => SendAsync(Mail(id));

    protected async Task SendAsync(AcceptedMail mail) => await SettleAsync(Sent(await MarkedAsync(mail)));

    protected Task HookAsync(
        string id,
        string? type = null,
        bool paused = false,
        string tenant = "default",
        ReportStyle style = ReportStyle.Events
    ) =>
        Bench.Configuration.PutEndpointAsync(
            new(tenant, id, "https://example.com/", "whsec_x", type is null ? [] : [type], false, 1, paused, new(0)) { Style = style },
            "test"
        );

    protected async Task AcknowledgeAsync(string id, long position)
    {
        var endpoint = (await Bench.Log.EndpointsAsync()).Single(e => e.Id == id);
        await Bench.Log.SaveProgressAsync(endpoint, endpoint.Progress with { Acknowledged = position });
    }
}
