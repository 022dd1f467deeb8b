using System.Threading.Channels;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Daemon.Hosting;

/// <summary>Ties the engine to the other nodes that share its store: what they changed is read, and what they ask for is done.</summary>
internal sealed partial class NodeLink(
    Stores storage,
    MailPipeline pipeline,
    CurrentAccounts accounts,
    ConfigurationWriter<Tenant> tenants,
    DaemonSettings settings,
    CollectorRegistry registry,
    TimeProvider clock,
    ILogger<NodeLink> logger
)
{
    private const int Rest = 3;

    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    // The newest version is read; those before it are in it.
    private readonly Channel<long> _versions = Channel.CreateBounded<long>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest }
    );

    // All of them are read each time, so once a second at the most.
    private readonly Channel<bool> _circuits = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly CancellationTokenSource _stop = new();
    private readonly INodes _nodes = storage.Nodes;
    private LaneUnits _units = LaneUnits.Of(AccountDirectory.Empty, settings.Engine.Limits);
    private Task _reloads = Task.CompletedTask,
        _hearing = Task.CompletedTask;

    /// <summary>The configuration has been read, and the pipeline runs.</summary>
    /// <param name="version">What was configured before it was read.</param>
    public void Start(long version)
    {
        if (!_nodes.IsShared)
            return;
        _nodes.IsInForce(version);
        _nodes.ConfigurationChanged += Reload;
        _nodes.Asked += Do;
        _nodes.LaneDue += pipeline.Wake.Due;
        _nodes.Missed += Sweep;
        accounts.Changed += _nodes.Look;
        (_reloads, _hearing) = (ReloadAsync(), HearAsync());
        pipeline.TakeOver.Saved += TellOthers;
        _nodes.Begin(Units, pipeline.TakeOver.RunAsync, pipeline.TakeOver.IsWritten);
        var metrics = new NodeMetrics(registry);
        registry.AddBeforeCollectCallback(() => Measure(metrics));
    }

    /// <summary>Others take over, lane by lane, as soon as nothing of it is under way here.</summary>
    public void Leave() => _nodes.Leave();

    public async Task StopAsync()
    {
        _nodes.ConfigurationChanged -= Reload;
        _nodes.Asked -= Do;
        _nodes.LaneDue -= pipeline.Wake.Due;
        _nodes.Missed -= Sweep;
        accounts.Changed -= _nodes.Look;
        pipeline.TakeOver.Saved -= TellOthers;
        await _stop.CancelAsync();
        await Task.WhenAll(_reloads, _hearing);
    }

    private void Measure(NodeMetrics metrics)
    {
        var (alive, held, lanes) = (_nodes.Alive, _nodes.Now, Volatile.Read(ref _units).OfLanes.Keys);
        metrics.Alive.Set(alive.Count);
        metrics.Lanes.Set(lanes.Count(held.Holds));
        metrics.Unheld.Set(lanes.Count(lane => !held.Holds(lane) && held.HolderOf(lane) is null));
        metrics.ProfilesDiffer.Set(NodeRow.DoProfilesDiffer(alive) ? 1 : 0);
        if (alive.FirstOrDefault(node => node.Session == _nodes.Me) is not { } me)
            return;
        metrics.BeatAge.Set(Math.Max(0, (clock.GetUtcNow().ToUnixTimeMilliseconds() - me.BeatAt) / 1000d));
        metrics.Behind.Set(me.Seen < _nodes.Configured ? 1 : 0);
    }

    private void Reload(long version) => _versions.Writer.TryWrite(version);

    private LaneUnits Units()
    {
        var directory = accounts.Directory;
        if (!ReferenceEquals(_units.Directory, directory))
            Volatile.Write(ref _units, LaneUnits.Of(directory, settings.Engine.Limits));
        return _units;
    }

    private async Task ReloadAsync()
    {
        try
        {
            var known = 0L;
            await foreach (var version in _versions.Reader.ReadAllAsync(_stop.Token))
            {
                if (version <= known)
                    continue;
                var began = clock.GetTimestamp();
                while (!await TryReloadAsync(version))
                    await Task.Delay(AfterTrouble, clock, _stop.Token);
                known = version;

                // All of it is read each time: somebody who changes his own again and again takes a quarter of a core at the most.
                var rest = clock.GetElapsedTime(began) * Rest;
                await Task.Delay(rest < LongestRest ? rest : LongestRest, clock, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The daemon ends.
        }
    }

    private async Task<bool> TryReloadAsync(long version)
    {
        try
        {
            await tenants.LoadAsync(); // and all that tenants have
            accounts.Weigh(new BatchWeights(await storage.Batches.WeightsAsync(null)));
            if (await storage.Sending.SuspendedAsync())
                pipeline.Suspend();
            else
                pipeline.Activate();
            pipeline.RefreshWebhooks();
            _nodes.IsInForce(version);
            return true;
        }
        catch (StoreUnavailableException error)
        {
            Log.NotRead(logger, error.Message);
            return false;
        }
        catch (Exception error)
        {
            // Something is stored that cannot be read; what was in force stays so.
            Log.Unreadable(logger, error);
            return false;
        }
    }

    private void Do(NodeRequest request)
    {
        switch (request.What)
        {
            case NodeRequest.RunNow:
                pipeline.RunNow();
                break;
            case NodeRequest.ProbeNow:
                pipeline.Accounts.ProbeNow(request.Tenant);
                break;
            case NodeRequest.ReportNow:
                pipeline.ReportNow(request.Tenant);
                break;
            case NodeRequest.Circuits:
                _circuits.Writer.TryWrite(true);
                break;
            case NodeRequest.ForgetContent when request.Tenant is { } tenant:
                pipeline.ForgetContent(tenant);
                break;
            case NodeRequest.ResetCircuit when Held(request) is { } account:
                pipeline.Accounts.ResetCircuit(account, request.By ?? "reset");
                break;
            case NodeRequest.ResetAdapted when Held(request) is { } account:
                pipeline.Accounts.ResetAdapted(account);
                break;
        }
    }

    // Others may send for accounts of the same customer of a provider, and are asked why mail waits.
    private void TellOthers(IReadOnlyCollection<AccountKey> accounts)
    {
        if (_nodes.Alive.Count > 1)
            _nodes.Ask(new(NodeRequest.Circuits));
    }

    private async Task HearAsync()
    {
        try
        {
            await foreach (var _ in _circuits.Reader.ReadAllAsync(_stop.Token))
            {
                await LookAsync(pipeline.TakeOver.HearAsync);
                await Task.Delay(LongestRest, clock, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The daemon ends.
        }
    }

    private SmtpAccount? Held(NodeRequest request)
    {
        var key = new AccountKey(request.Account);
        return _nodes.Now.Holds(Lanes.Of(key)) ? accounts.Directory.Find(key) : null;
    }

    private void Sweep() => _ = LookAsync(pipeline.TakeOver.SweepAsync);

    private async Task LookAsync(Func<Task> look)
    {
        try
        {
            await look();
        }
        catch (StoreUnavailableException)
        {
            // The next one finds it.
        }
        catch (Exception error)
        {
            Log.NotSwept(logger, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(740, LogLevel.Warning, "What another node has configured cannot be read now; tried again in a second: {Reason}")]
        public static partial void NotRead(ILogger logger, string reason);

        [LoggerMessage(742, LogLevel.Error, "What another node has configured cannot be read; tried again in a second")]
        public static partial void Unreadable(ILogger logger, Exception fault);

        [LoggerMessage(741, LogLevel.Error, "What other nodes have stored could not be looked at; this is tried again")]
        public static partial void NotSwept(ILogger logger, Exception fault);
    }
}
