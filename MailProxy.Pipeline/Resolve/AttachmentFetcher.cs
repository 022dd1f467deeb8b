using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Fetches the attachments of mails. Attachments that are in the cache are handed over at once; otherwise the mail is set aside and comes
/// back when all its attachments are in the cache. No caller ever waits in the fetcher.
/// </summary>
/// <param name="hostOf">Names the host of an attachment; attachments of one host share a limit on concurrent fetches.</param>
/// <param name="failed">Called once for a mail whose attachments cannot be fetched.</param>
internal sealed class AttachmentFetcher(
    AttachmentCache cache,
    IAttachmentSource source,
    Func<string, AttachmentRef, string> hostOf,
    Wake wake,
    Func<QueuedMail, FetchTrouble, ValueTask> failed,
    ResolveOptions options,
    PipelineMetrics metrics,
    TimeProvider clock,
    ILogger logger,
    TenantShare? share = null,
    AsideIndex? index = null
)
{
    /// <summary>How long fetched content is held for the mail that waited for it.</summary>
    public static readonly TimeSpan Reserve = TimeSpan.FromMinutes(10);

    private readonly FetchLines _lines = new();
    private readonly LocalAttachments _local = new(cache, clock);
    private readonly ReadyMails _ready = new(Reserve, clock);
    private readonly FetchWork _work = new(cache, source, options, metrics, clock, logger, share ?? TenantShare.Unlimited);
    private readonly SharedCapacity _aside = new(options.SetAside, share ?? TenantShare.Unlimited);

    /// <summary>Number of attachments that mails wait for.</summary>
    public int Aside => (int)_aside.Used;

    /// <summary>Registers each tenant's use of fetches and of mails set aside.</summary>
    public void ShowIn(TenantShares shares)
    {
        _work.ShowIn(shares);
        shares.Add("set_aside", _aside);
    }

    /// <summary>Explains why <see cref="TryFetch"/> returned false.</summary>
    public string WhyNot(string tenant)
    {
        var (held, allowed) = _aside.Of(tenant);
        return $"Too many messages wait for their attachments: {held} attachments of this tenant, which may have {allowed} now "
            + "(Resolve:SetAside). It is tried again when fewer wait.";
    }

    /// <summary>All attachments that the mail fetches, in the given order; the caller disposes them. Null when one is missing.</summary>
    /// <param name="accepted">When the client's request was accepted. Content fetched earlier is not used, unless the message claims its
    /// hash.</param>
    public LocalContent[]? TryTake(QueuedMail ticket, string tenant, long accepted, IReadOnlyList<AttachmentRef> wanted)
    {
        if (_ready.Take(ticket) is { } waited)
            return waited;

        var files = new LocalContent[wanted.Count];
        for (var i = 0; i < files.Length; i++)
        {
            if (_local.Find(tenant, accepted, wanted[i]) is { } file)
            {
                files[i] = file;
                continue;
            }

            for (var j = 0; j < i; j++)
                files[j].Dispose();
            return null;
        }

        metrics.CacheHits.Inc(files.Length);
        return files;
    }

    /// <summary>
    /// Sets the mail aside and fetches what is missing. The mail comes back by <see cref="Wake.Return"/>, or as a failure. The caller must
    /// have given back the mail's permit. Returns false, with nothing done, when too many attachments are waited for already.
    /// </summary>
    /// <param name="trace">The trace that the mail belongs to; null: none.</param>
    public bool TryFetch(QueuedMail ticket, string tenant, long accepted, IReadOnlyList<AttachmentRef> wanted, TraceContext? trace = null)
    {
        // Each attachment waits in a line of its own, so a mail takes one slot per attachment; but at most a quarter of all slots, because
        // a mail that needs more would never get them.
        var slots = _aside.TryTake(tenant, Math.Clamp(wanted.Count, 1, Math.Max(1, options.SetAside / 4)));
        if (slots is null && !_lines.IsStopping)
            return false;

        metrics.MailsAside.Inc();
        index?.Add(ticket, Math.Max(accepted, ticket.Due), "Its attachments are being fetched, or wait for their turn to be.");
        wake.SetAside(ticket);
        var mail = new WaitingMail(ticket, wanted.Count, slots) { Trace = trace };
        for (var i = 0; i < wanted.Count; i++)
        {
            if (_local.Find(tenant, accepted, wanted[i]) is { } here)
            {
                if (mail.Give(i, here, null))
                    Arrived(mail);
                continue;
            }

            metrics.CacheMisses.Inc();
            _lines.Join(new(tenant, wanted[i].Place, wanted[i].Auth), new(mail, wanted[i], i, accepted), ServeAsync);
        }

        return true;
    }

    /// <summary>
    /// Completes after <paramref name="stop"/>, when no fetch runs any more and no partial file is left; mails that still wait remain
    /// queued in the store. An error of one source is reported for the mails that wait for it, and ends nothing else.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await _lines.RunAsync(stop);
        }
        finally
        {
            await _ready.DisposeAsync();
        }
    }

    // An error of one source is reported for the mails that wait for it; the line continues with the next.
    private async Task ServeAsync(FetchLine line, CancellationToken stop)
    {
        var waiting = _lines.Take(line);
        try
        {
            await _work.VerifyAsync(line.Key.Tenant, waiting, stop);
            GiveFound(line, waiting);
            if (waiting.Count == 0)
                return;

            var host = hostOf(line.Key.Tenant, waiting[0].Wanted);
            var size = _work.Most(waiting);
            _lines.PutBack(line, waiting);
            waiting = [];
            var permit = await _work.EnterAsync(line.Key.Tenant, host, size, stop);
            try
            {
                // From here on the source may have been read: a mail that joins now waits for the next fetch.
                waiting = _lines.Take(line);
                var began = clock.GetUtcNow().ToUnixTimeMilliseconds();
                GiveFound(line, waiting);
                if (waiting.Count > 0)
                    await FetchAsync(line.Key, host, waiting, permit, began, stop);
            }
            finally
            {
                permit.Release();
            }
        }
        catch (Exception error) when (error is not ChannelClosedException && !stop.IsCancellationRequested)
        {
            _work.Unforeseen(line.Key.Place, error);
            var told = FetchTrouble.Own($"{line.Key.Place} could not be fetched: {error.Message}");
            foreach (var piece in (List<Piece>)[.. waiting, .. _lines.Take(line)])
                await FailAsync(piece, told);
        }
    }

    private async Task FetchAsync(SourceKey key, string host, List<Piece> waiting, FetchPermit permit, long began, CancellationToken stop)
    {
        waiting.Reverse(); // FetchLine.Last takes from the end
        var (content, digest, trouble) = await _work.FetchAsync(key.Tenant, host, waiting, permit, stop);
        if (content is null)
        {
            permit.Resize(0);
            permit.Landed();
            while (FetchLine.Last(waiting) is { } failed)
                await FailAsync(failed, trouble!);
            return;
        }

        using (content)
        {
            _local.Remember(key, digest, began);
            while (FetchLine.Last(waiting) is { } piece)
                await GiveAsync(piece, key.Tenant, digest, content.Size, permit);
            permit.Landed(); // not earlier: the governor must first know which bytes are held by mails that are ready
        }
    }

    private async ValueTask GiveAsync(Piece piece, string tenant, ContentDigest digest, long size, FetchPermit permit)
    {
        if (digest.Contradiction(piece.Wanted, size) is { } wrong)
        {
            await FailAsync(piece, new($"{piece.Wanted.Place}: {wrong}.", "5.6.0", BySource: true));
        }
        else if (cache.Find(tenant, digest) is { } file)
        {
            if (piece.Wanted.CacheMd5 is { } name)
                _local.Remember(tenant, name, digest);
            permit.Hold();
            if (piece.Mail.Give(piece.Index, file, permit))
                Arrived(piece.Mail);
        }
        else
        {
            await FailAsync(piece, FetchTrouble.Own($"{piece.Wanted.Place}: the fetched content is missing on the disk."));
        }
    }

    // Serves the mails whose content is in the cache by now: under the hash that they claim, or from a fetch that is not older than the
    // mail.
    private void GiveFound(FetchLine line, List<Piece> waiting) =>
        waiting.RemoveAll(piece =>
        {
            if (piece.Mail.IsOver)
                return true;
            if (_local.Find(line.Key.Tenant, piece.Accepted, piece.Wanted) is not { } file)
                return false;
            if (piece.Mail.Give(piece.Index, file, null))
                Arrived(piece.Mail);
            return true;
        });

    private void Arrived(WaitingMail mail)
    {
        EndWait(mail);
        mail.Ready();
        _ready.Add(mail);
        wake.Return(mail.Ticket);
    }

    private async ValueTask FailAsync(Piece piece, FetchTrouble trouble)
    {
        if (!piece.Mail.Discard())
            return; // only the first failure counts
        EndWait(piece.Mail);
        await failed(piece.Mail.Ticket, trouble.Of(piece.Wanted));
    }

    private void EndWait(WaitingMail mail)
    {
        mail.EndWait();
        index?.Remove(mail.Ticket);
        metrics.MailsAside.Dec();
    }
}
