using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Waits for a permit, fetches, measures the fetch, and classifies its result.</summary>
internal sealed partial class FetchWork(
    AttachmentCache cache,
    IAttachmentSource source,
    ResolveOptions options,
    PipelineMetrics metrics,
    TimeProvider clock,
    ILogger logger,
    TenantShare share
)
{
    /// <summary>The host name that stands for hashing files of the previous run.</summary>
    private const string OwnDisk = "";

    private readonly Fetch _fetch = new(source, cache, options, clock);
    private readonly FetchGovernor _governor = new(options.Fetches, options.FetchesPerHost, options.FetchBytes, share);
    private readonly HostWatch _hosts = new();
    private readonly Lock _gate = new();

    /// <summary>The most bytes that the source may deliver, by what the waiting mails claim.</summary>
    public long Most(List<Piece> waiting) => waiting.Max(piece => Math.Min(piece.Wanted.Size ?? long.MaxValue, options.MaxAttachmentBytes));

    /// <summary>Waits for a turn, and for capacity.</summary>
    public Task<FetchPermit> EnterAsync(string tenant, string host, long size, CancellationToken stop) =>
        _governor.EnterAsync(tenant, host, size, stop);

    /// <summary>Registers each tenant's use of fetches and of their bytes.</summary>
    public void ShowIn(TenantShares shares)
    {
        shares.Add("fetches", _governor.FetchesOf, () => _governor.Refused);
        shares.Add("fetch_bytes", _governor.BytesOf);
    }

    /// <summary>Verifies the content of a previous run before its first use; content that does not match its name is removed.</summary>
    public async Task VerifyAsync(string tenant, List<Piece> waiting, CancellationToken stop)
    {
        foreach (var piece in waiting)
        {
            if (!cache.IsUnverified(tenant, piece.Wanted))
                continue;
            var turn = await _governor.EnterAsync(tenant, OwnDisk, 0, stop);
            try
            {
                (await cache.VerifyAsync(tenant, piece.Wanted, stop))?.Dispose();
            }
            finally
            {
                turn.Release();
            }
        }
    }

    /// <summary>Logs an unexpected error for the operator.</summary>
    public void Unforeseen(AttachmentPlace place, Exception trouble) => Log.CannotFetch(logger, place, trouble);

    /// <summary>Fetches content; the result has either content or a trouble.</summary>
    public async Task<(LocalContent? Content, ContentDigest Digest, FetchTrouble? Trouble)> FetchAsync(
        string tenant,
        string host,
        List<Piece> waiting,
        FetchPermit permit,
        CancellationToken stop
    )
    {
        var place = waiting[0].Wanted.Place;
        if (IsLeftAlone(tenant, host))
            return (null, default, new($"{place}: its host fails repeatedly, and is not asked again for a while.", null, BySource: true));

        metrics.FetchesInFlight.Inc();
        var began = clock.GetTimestamp();
        var outcome = "stopped";
        var span = FetchSpan.Begin(tenant, host, waiting, clock.GetUtcNow());
        try
        {
            // The claims of each waiting mail are compared separately afterwards, since mails may claim different things.
            var plain = waiting[0].Wanted with
            {
                Sha256 = null,
                Md5 = null,
                Size = null,
                Trace = span?.Told,
            };
            var (content, digest) = await _fetch.RunAsync(tenant, plain, size => Sized(waiting, permit, size), stop);
            outcome = "ok";
            span?.Got(content.Size);
            metrics.AttachmentBytes.Inc(content.Size);
            return (content, digest, null);
        }
        catch (SourceException error)
        {
            outcome = Name(error.Fault);
            span?.Answered(error.Answered);
            return (null, default, FetchTrouble.Of(error));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error)
        {
            // A full disk, or a bug: the mail is deferred, and the log tells the operator.
            outcome = "disk";
            Log.CannotFetch(logger, place, error);
            return (null, default, FetchTrouble.Own($"{place} could not be fetched: {error.Message}"));
        }
        finally
        {
            span?.End(outcome, clock.GetUtcNow());
            metrics.FetchesInFlight.Dec();
            metrics.FetchSeconds.WithLabels(outcome).Observe(clock.GetElapsedTime(began).TotalSeconds);
            Note(tenant, host, outcome);
        }
    }

    private static void Sized(List<Piece> waiting, FetchPermit permit, long size)
    {
        permit.Resize(size);
        var wanted = waiting[0].Wanted;
        if (!waiting.TrueForAll(piece => piece.Wanted.Size is { } claimed && claimed != size))
            return;
        throw new SourceException(SourceFault.Refused, $"{wanted.Place}: it has {size} bytes, the message says {wanted.Size}.")
        {
            Status = "5.6.0",
        };
    }

    private bool IsLeftAlone(string tenant, string host)
    {
        lock (_gate)
            return _hosts.IsLeftAlone(tenant, host, clock.GetUtcNow().ToUnixTimeMilliseconds());
    }

    private void Note(string tenant, string host, string outcome)
    {
        lock (_gate)
        {
            if (outcome == "down")
                _hosts.Failed(tenant, host, clock.GetUtcNow().ToUnixTimeMilliseconds());
            else if (outcome is "ok" or "gone" or "refused")
                _hosts.Answered(tenant, host);
        }
    }

    private static string Name(SourceFault fault) =>
        fault switch
        {
            SourceFault.Gone => "gone",
            SourceFault.Refused => "refused",
            SourceFault.Down => "down",
            _ => throw new UnreachableException(),
        };

    private static partial class Log
    {
        [LoggerMessage(412, LogLevel.Error, "{Place} could not be fetched; the messages that carry it are deferred")]
        public static partial void CannotFetch(ILogger logger, AttachmentPlace place, Exception trouble);
    }
}
