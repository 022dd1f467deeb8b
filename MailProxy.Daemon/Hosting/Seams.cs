using MailProxy.Daemon.Api;
using MailProxy.Daemon.Sandbox;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Hosting;

/// <summary>Adapts the stages to the types that the HTTP API uses.</summary>
internal static class Seams
{
    // What the state of accounts is changed by is done by every node, or by that which sends the account's mail.
    public static DispatcherControl Dispatcher(MailPipeline pipeline, INodes nodes) =>
        new(
            pipeline.Suspend,
            pipeline.Activate,
            Everywhere(pipeline.RunNow, () => nodes.Ask(new(NodeRequest.RunNow))),
            () => pipeline.IsSuspended,
            pipeline.ExpiryHint,
            key => Wait(pipeline, key),
            tenant => Everywhere(() => pipeline.ReportNow(tenant), () => nodes.Ask(new(NodeRequest.ReportNow, tenant)))()
        )
        {
            SetAsideFor = pipeline.SetAsideFor,
            SetAside = pipeline.SetAside,
            IsExcused = pipeline.IsExcused,
            Limits = pipeline.Accounts.LimitsOf,
            Destinations = pipeline.Accounts.DestinationsOf,
            DestinationHold = pipeline.Accounts.DestinationHoldOf,
            Circuit = pipeline.Accounts.CircuitOf,
            ResetCircuit = (account, by) =>
                AtHolder(nodes, account, () => pipeline.Accounts.ResetCircuit(account, by), NodeRequest.ResetCircuit, by),
            Adapted = pipeline.Accounts.AdaptedOf,
            ResetAdapted = account =>
                AtHolder(nodes, account, () => pipeline.Accounts.ResetAdapted(account), NodeRequest.ResetAdapted, null),
            ProbeNow = tenant => Everywhere(() => pipeline.Accounts.ProbeNow(tenant), () => nodes.Ask(new(NodeRequest.ProbeNow, tenant)))(),
            Lane = lane => Lane(pipeline, lane),
            Pipelining = account => Told(pipeline.Accounts.PipeliningOf(account)),
        };

    /// <summary>Attachments of a tenant that is deleted: each node has its own.</summary>
    public static ForgetContent Forget(MailPipeline pipeline, INodes nodes) =>
        tenant =>
        {
            pipeline.ForgetContent(tenant);
            nodes.Ask(new(NodeRequest.ForgetContent, tenant));
        };

    private static Action Everywhere(Action here, Action elsewhere) => here + elsewhere;

    private static bool AtHolder(INodes nodes, SmtpAccount account, Func<bool> here, string what, string? by)
    {
        if (nodes.Now.Holds(Lanes.Of(account.Key)))
            return here();
        nodes.Ask(new(what, Account: account.Key.Number, By: by));
        return true;
    }

    private static (SmtpPipelining, string?) Told(PipeliningState state) =>
        (state.Now, state.Why is null ? null : $"{state.Why}; it is tried again at {state.Until:yyyy-MM-dd'T'HH:mm:ss'Z'}");

    public static AccountTest Probe(SmtpProbe probe, TimeProvider clock) =>
        async (account, cancel) =>
        {
            var began = clock.GetTimestamp();
            var seen = await probe.TryAsync(account, cancel);
            return new(
                seen.Trouble is null,
                seen.Stage,
                seen.Tls is not null,
                seen.Tls,
                seen.Authenticated,
                seen.Extensions,
                seen.Trouble?.SmtpCode,
                seen.Trouble?.Explained,
                Math.Round(clock.GetElapsedTime(began).TotalMilliseconds, 1)
            );
        };

    public static WebhookTrial Trial(WebhookProbe probe) =>
        async (endpoint, cancel) =>
        {
            var test = await probe.TryAsync(endpoint, cancel);
            return new(test.Error is null, Math.Round(test.Took.TotalMilliseconds, 1), test.Error);
        };

    public static WebhookHeard Heard(EndpointAnswers answers) =>
        (tenant, id) =>
            [
                .. answers
                    .Of(tenant, id)
                    .Select(static one => new WebhookReply(
                        one.RequestId,
                        Times.Utc(one.At),
                        Math.Round(one.Took.TotalMilliseconds, 1),
                        one.Status,
                        one.Error,
                        one.Excerpt
                    )),
            ];

    public static WriteRaw Raw(MimeComposer composer) =>
        async (content, account, target, cancel) =>
        {
            using var mail = composer.Compose(content, [], [], account?.Signing);
            await using var octets = mail.OpenRead();
            await octets.CopyToAsync(target, cancel);
        };

    public static RerouteRules Reroutes(CurrentAccounts accounts) =>
        new(
            (account, pool) => Rerouting.NeedsContent(accounts.Directory, account, pool),
            (account, pool, content) => Rerouting.To(accounts.Directory, account, pool, content)
        );

    public static SandboxView Sandbox(SandboxMailbox mailbox) =>
        new(
            (count, before) =>
                [
                    .. mailbox
                        .Page(count, before)
                        .Select(m => new SandboxMailAnswer(m.Id, m.ReceivedAt.UtcDateTime, m.From, m.Recipients, m.Subject, m.Size)),
                ],
            id => mailbox.Find(id)?.Raw,
            mailbox.Forget
        );

    private static LaneWait? Wait(Connecting? connecting) => connecting is null ? null : new("connecting", null, connecting.ToString());

    // That a connection is being opened says more than that all allowed attempts are under way.
    private static LaneWait? Wait(MailPipeline pipeline, AccountKey account)
    {
        var lane = pipeline.Status(Lanes.Of(account));
        return lane.State is LaneState.Ready or LaneState.Busy ? Wait(pipeline.Accounts.ConnectingOf(account)) ?? Wait(lane) : Wait(lane);
    }

    private static LaneView Lane(MailPipeline pipeline, LaneKey lane)
    {
        var account = Lanes.AccountOf(lane);
        var gates = pipeline.Gates(lane).ToList();
        var waits = gates.Where(static gate => gate.State != LaneState.Busy).Select(Wait).ToList();
        waits.Add(Wait(pipeline.Accounts.ConnectingOf(account)));
        waits.AddRange(gates.Where(static gate => gate.State == LaneState.Busy).Select(Wait));
        return new([.. waits.OfType<LaneWait>()], pipeline.Status(lane).InFlight);
    }

    private static LaneWait? Wait(LaneStatus lane) => Wait(new LaneGate(lane.State, lane.Until, lane.Reason));

    private static LaneWait? Wait(LaneGate lane) =>
        lane.State switch
        {
            LaneState.Ready => null,
            LaneState.Paused => new("account_paused", lane.Until, lane.Reason),
            LaneState.TenantSuspended => new("tenant_suspended", lane.Until, lane.Reason),
            LaneState.Suspended => new("dispatcher_suspended", lane.Until, lane.Reason),
            LaneState.InstallationAtLimit => new("installation_limit", lane.Until, lane.Reason),
            LaneState.TenantAtLimit => new("tenant_limit", lane.Until, lane.Reason),
            LaneState.Busy => new("account_busy", lane.Until, lane.Reason),
            LaneState.TenantAtShare => new("tenant_share", lane.Until, lane.Reason),
            LaneState.AtLimit => new("account_limit", lane.Until, lane.Reason),
            LaneState.BackingOff => new("account_backoff", lane.Until, lane.Reason),
            LaneState.Probed => new("account_probe", lane.Until, lane.Reason),
            LaneState.Slowed => new("account_slowed", lane.Until, lane.Reason),
            LaneState.StoreTrouble => new("store", lane.Until, lane.Reason),
            LaneState.PoolWaits => new("pool", lane.Until, lane.Reason),
            LaneState.OtherNode => new("other_node", lane.Until, lane.Reason),
            LaneState.NoNode => new("no_node", lane.Until, lane.Reason),
            LaneState.UnknownAccount => new("account_unknown", lane.Until, lane.Reason),
            _ => throw new ArgumentOutOfRangeException(nameof(lane), lane.State, null),
        };
}
