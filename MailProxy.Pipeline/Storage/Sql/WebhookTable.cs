using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// What a change of a webhook does to how far it is. Only what the change makes wrong is touched, whatever it was: the reporter writes the
/// rest meanwhile.
/// </summary>
/// <param name="last">The position of the last event, for use inside a write.</param>
internal sealed class WebhookTable(Func<long> last) : TableRules<WebhookEndpoint>
{
    /// <summary>A new webhook is told what comes after it.</summary>
    public override IReadOnlyList<(string Column, object? Value)> First => [("acknowledged", last()), ("failures", 0L)];

    public override void Replaced(Session session, Resource<WebhookEndpoint> before, Resource<WebhookEndpoint> after, string action)
    {
        var (tenant, id, was, now) = (after.Tenant, after.Id, before.Value, after.Value!);

        // What a damaged one was nobody knows, so all of it may be another now.
        var isMoved = was is null || was.Url != now.Url;
        var isOtherStyle = was is null || was.Style != now.Style;
        if (isMoved || isOtherStyle)
            ProgressRows.ForgetCalls(session, tenant, id);
        if (isOtherStyle || IsCutOtherwise(was!, now))
            ProgressRows.ForgetBatches(session, tenant, id);
        if (now.Style != ReportStyle.Sync)
            ProgressRows.OweFromTheFirst(session, tenant, id);

        // A new address begins without the failures of the old one.
        if (isMoved || action == WebhookFields.Resume)
            ProgressRows.Enable(session, tenant, id);
    }

    public override void Deleting(Session session, Resource<WebhookEndpoint> resource, string actor, long now)
    {
        ResendRows.Forget(session, resource.Tenant, resource.Id);
        AcknowledgementRows.Forget(session, resource.Tenant, resource.Id);
    }

    public override void Tell(Session session, Resource<WebhookEndpoint> resource, JsonObject told)
    {
        if (ProgressRows.IsDisabled(session, resource.Tenant, resource.Id))
            told["disabled"] = true;
    }

    private static bool IsCutOtherwise(WebhookEndpoint was, WebhookEndpoint now) =>
        was.FinalOnly != now.FinalOnly || was.MaxBatch != now.MaxBatch || !was.Types.SequenceEqual(now.Types);
}
