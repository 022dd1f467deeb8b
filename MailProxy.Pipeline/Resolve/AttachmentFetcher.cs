using System.Threading.Channels;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Where a mail asks for what it carries. What is here it gets at once; for the rest it is set aside, and comes back when all of it is
/// here. Nobody waits in the fetcher.
/// </summary>
/// <param name="hostOf">What shares one bound on concurrent fetches.</param>
/// <param name="failed">Told once for a mail whose attachments will not come.</param>
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
    /// <summary>How long content that was fetched is kept for the mail that waited for it.</summary>
    public static readonly TimeSpan Reserve = TimeSpan.FromMinutes(10);

    private const int RememberedSources = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<SourceKey, FetchLine> _lines = [];
    private readonly SourceIndex _sources = new(RememberedSources);
    private readonly ReadyMails _ready = new(Reserve, clock);
    private readonly FetchWork _work = new(cache, source, options, metrics, clock, logger, share ?? TenantShare.Unlimited);
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _fault = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SharedCapacity _aside = new(options.SetAside, share ?? TenantShare.Unlimited);
    private bool _stopping;

    /// <summary>Attachments that mails wait for.</summary>
    public int Aside => (int)_aside.Used;

    /// <summary>What each tenant has of what is fetched, and of the mails that wait for it.</summary>
    public void ShowIn(TenantShares shares)
    {
        _work.ShowIn(shares);
        shares.Add("set_aside", _aside);
    }

    /// <summary>Why <see cref="TryFetch"/> said no.</summary>
    public string WhyNot(string tenant)
    {
        var (held, allowed) = _aside.Of(tenant);
        return $"Too many messages wait for their attachments: {held} attachments of this tenant, which may have {allowed} now "
            + "(Resolve:SetAside). It is tried again when fewer do.";
    }

    /// <summary>Everything that the mail fetches, in that order, to be disposed by the caller; null: something is missing.</summary>
    /// <param name="accepted">When the client's request was accepted; nothing older than that is given, unless its hash is claimed.</param>
    public LocalContent[]? TryTake(QueuedMail ticket, string tenant, long accepted, IReadOnlyList<AttachmentRef> wanted)
    {
        if (_ready.Take(ticket) is { } waited)
            return waited;

        var files = new LocalContent[wanted.Count];
        for (var i = 0; i < files.Length; i++)
        {
            if (Local(tenant, accepted, wanted[i]) is { } file)
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
    /// Sets the mail aside and fetches what is missing; it comes back by <see cref="Wake.Return"/>, or as a failure. The caller has given
    /// its permit back. False: too many wait already, and nothing was done.
    /// </summary>
    public bool TryFetch(QueuedMail ticket, string tenant, long accepted, IReadOnlyList<AttachmentRef> wanted)
    {
        // Each attachment has a line of its own to wait in, so a mail counts for as many; but never for so many that its turn would not
        // come.
        var place = _aside.TryTake(tenant, Math.Clamp(wanted.Count, 1, Math.Max(1, options.SetAside / 4)));
        lock (_gate)
        {
            if (place is null && !_stopping)
                return false;
        }

        metrics.MailsAside.Inc();
        index?.Add(ticket, Math.Max(accepted, ticket.Due), "Its attachments are being fetched, or wait for their turn to be.");
        wake.SetAside(ticket);
        var mail = new WaitingMail(ticket, wanted.Count, place);
        for (var i = 0; i < wanted.Count; i++)
        {
            if (Local(tenant, accepted, wanted[i]) is { } here)
            {
                if (mail.Give(i, here, null))
                    Arrived(mail);
                continue;
            }

            metrics.CacheMisses.Inc();
            Join(new(tenant, wanted[i].Place, wanted[i].Auth), new(mail, wanted[i], i, accepted));
        }

        return true;
    }

    /// <summary>
    /// Ends after <paramref name="stop"/>, when nothing is fetched any more and no partial file is left; mails that wait stay where they
    /// are, in the store. What befalls one source is told of the mails that wait for it, and ends nothing else.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var stopping = stop.UnsafeRegister(static asked => ((TaskCompletionSource)asked!).TrySetResult(), _asked);
        await Task.WhenAny(_asked.Task, _fault.Task);
        bool idle;
        lock (_gate)
        {
            _stopping = true;
            idle = _lines.Count == 0;
        }

        await _cancel.CancelAsync();
        if (!idle)
            await _idle.Task;
        await _ready.DisposeAsync();
        if (_fault.Task.IsFaulted)
            await _fault.Task;
    }

    private LocalContent? Local(string tenant, long accepted, AttachmentRef wanted)
    {
        if ((wanted.Sha256 ?? wanted.Md5) is not null && cache.Find(tenant, wanted) is { } claimed)
            return claimed;

        ContentDigest digest;
        lock (_gate)
        {
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            if (!_sources.TryFind(new(tenant, wanted.Place, wanted.Auth), accepted, now, out digest))
                return null;
        }

        if (cache.Find(tenant, digest) is not { } found)
            return null;
        if (digest.Contradiction(wanted, found.Size) is null)
            return found;
        found.Dispose(); // asked for again: it may have changed since
        return null;
    }

    private void Join(in SourceKey key, in Piece piece)
    {
        FetchLine? line;
        lock (_gate)
        {
            if (_stopping)
                return; // it is queued in the store, and the next start finds it there
            var known = _lines.TryGetValue(key, out line);
            if (!known)
                _lines[key] = line = new(key);
            line!.Add(piece);
            if (known)
                return;
        }

        _ = Task.Run(() => WorkAsync(line));
    }

    private async Task WorkAsync(FetchLine line)
    {
        try
        {
            while (Goes(line))
                await ServeAsync(line);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            Leave(line);
        }
        catch (Exception error)
        {
            _fault.TrySetException(error);
            Leave(line);
        }
    }

    private bool Goes(FetchLine line)
    {
        lock (_gate)
        {
            if (!line.IsEmpty)
                return true;
        }

        Leave(line);
        return false;
    }

    private void Leave(FetchLine line)
    {
        lock (_gate)
        {
            _lines.Remove(line.Key);
            if (!_stopping || _lines.Count > 0)
                return;
        }

        _idle.TrySetResult();
    }

    // What befalls one source is told of the mails that wait for it, and the line goes on.
    private async Task ServeAsync(FetchLine line)
    {
        var waiting = Take(line);
        try
        {
            await _work.VerifyAsync(line.Key.Tenant, waiting, _cancel.Token);
            GiveFound(line, waiting);
            if (waiting.Count == 0)
                return;

            var host = hostOf(line.Key.Tenant, waiting[0].Wanted);
            var size = _work.Most(waiting);
            lock (_gate)
                line.PutBack(waiting);
            waiting = [];
            var permit = await _work.EnterAsync(line.Key.Tenant, host, size, _cancel.Token);
            try
            {
                // From here on the source is asked: whoever comes now waits for the next answer.
                waiting = Take(line);
                var began = clock.GetUtcNow().ToUnixTimeMilliseconds();
                GiveFound(line, waiting);
                if (waiting.Count > 0)
                    await FetchAsync(line.Key, host, waiting, permit, began);
            }
            finally
            {
                permit.Release();
            }
        }
        catch (Exception error) when (error is not ChannelClosedException && !_cancel.IsCancellationRequested)
        {
            _work.Unforeseen(line.Key.Place, error);
            var told = FetchTrouble.Own($"{line.Key.Place} could not be fetched: {error.Message}");
            foreach (var piece in (List<Piece>)[.. waiting, .. Take(line)])
                await FailAsync(piece.Mail, told);
        }
    }

    private async Task FetchAsync(SourceKey key, string host, List<Piece> waiting, FetchPermit permit, long began)
    {
        waiting.Reverse(); // they are served from the end
        var (content, digest, trouble) = await _work.FetchAsync(key.Tenant, host, waiting, permit, _cancel.Token);
        if (content is null)
        {
            permit.Resize(0);
            permit.Landed();
            while (FetchLine.Last(waiting) is { } failed)
                await FailAsync(failed.Mail, trouble!);
            return;
        }

        using (content)
        {
            lock (_gate)
                _sources.Remember(key, digest, began);
            while (FetchLine.Last(waiting) is { } piece)
                await GiveAsync(piece, key.Tenant, digest, content.Size, permit);
            permit.Landed(); // not before: what is held by mail that is ready must be known as such
        }
    }

    private async ValueTask GiveAsync(Piece piece, string tenant, ContentDigest digest, long size, FetchPermit permit)
    {
        if (digest.Contradiction(piece.Wanted, size) is { } wrong)
        {
            await FailAsync(piece.Mail, new($"{piece.Wanted.Place}: {wrong}.", "5.6.0", BySource: true));
        }
        else if (cache.Find(tenant, digest) is { } file)
        {
            permit.Hold();
            if (piece.Mail.Give(piece.Place, file, permit))
                Arrived(piece.Mail);
        }
        else
        {
            await FailAsync(piece.Mail, FetchTrouble.Own($"{piece.Wanted.Place}: what was fetched is gone from the disk."));
        }
    }

    // What is here by now: under the hash that a mail claims, or by an answer that is not older than the mail.
    private void GiveFound(FetchLine line, List<Piece> waiting) =>
        waiting.RemoveAll(piece =>
        {
            if (piece.Mail.IsOver)
                return true;
            if (Local(line.Key.Tenant, piece.Accepted, piece.Wanted) is not { } file)
                return false;
            if (piece.Mail.Give(piece.Place, file, null))
                Arrived(piece.Mail);
            return true;
        });

    private List<Piece> Take(FetchLine line)
    {
        lock (_gate)
            return line.Take();
    }

    private void Arrived(WaitingMail mail)
    {
        EndWait(mail);
        mail.Ready();
        _ready.Add(mail);
        wake.Return(mail.Ticket);
    }

    private async ValueTask FailAsync(WaitingMail mail, FetchTrouble trouble)
    {
        if (!mail.LetGo())
            return; // one failure decides
        EndWait(mail);
        await failed(mail.Ticket, trouble);
    }

    private void EndWait(WaitingMail mail)
    {
        mail.EndWait();
        index?.Remove(mail.Ticket);
        metrics.MailsAside.Dec();
    }
}
