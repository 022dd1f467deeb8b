using System.Collections.Concurrent;
using System.Security.Cryptography;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Applies the rule for large files to a message whose files are on this machine. A link that was made stays with the message's revision,
/// so
/// that every attempt sends the same content. A volume stores the same content of a tenant once, however many messages link to it.
/// </summary>
internal sealed partial class LargeFileLinks(
    ILinkStore store,
    CurrentVolumes volumes,
    VolumeWriter writer,
    LinkTokens tokens,
    TimeProvider clock,
    ILogger logger
)
{
    // Per object, so that only one upload of it runs at a time.
    private readonly ConcurrentDictionary<long, Lazy<Task>> _uploads = new();

    /// <summary>
    /// Makes the links that replace files of the message, and uploads what is not in its volume yet. Throws <see cref="SourceException"/>:
    /// <see
    /// cref="SourceFault.Refused"/> when the rule rejects the message, <see cref="SourceFault.Down"/> when the volume cannot be written
    /// now.
    /// </summary>
    /// <param name="rule">See <see cref="AccountDirectory.LargeFilesOf"/>; null: only links made by earlier attempts apply.</param>
    /// <param name="files">Every attachment whose content is on this machine, including inline ones.</param>
    /// <param name="mayUpload">False: null is returned when there is something to upload, since that may take long.</param>
    public async Task<LinkedFiles?> ApplyAsync(
        QueuedMail ticket,
        string tenant,
        LargeFiles? rule,
        IReadOnlyList<LargeFile> files,
        bool mayUpload,
        CancellationToken cancel
    )
    {
        if (files.Count == 0)
            return LinkedFiles.None;

        // A first attempt has no links of an earlier one, unless a crash came between; in that case the rule still asks for a link, and
        // the store
        // is searched below.
        var plan = LargeFileRule.Plan(rule, files, static _ => false);
        if (plan.Link.Count == 0 && ticket.Attempt == 0)
            return Judge(ticket, rule, plan, []);

        var links = new List<FileLink>(await store.LinksAsync(ticket.Id, ticket.Revision, Now));
        plan = LargeFileRule.Plan(rule, files, index => links.Exists(link => link.Index == index));
        if (plan.Link.Count > 0 && !mayUpload)
            return null;
        foreach (var file in plan.Link)
            links.Add(await LinkAsync(ticket, tenant, rule!, file, cancel));
        return Judge(ticket, rule, plan, [.. links.OrderBy(link => link.Index)]);
    }

    private LinkedFiles Judge(QueuedMail ticket, LargeFiles? rule, LargeFilePlan plan, IReadOnlyList<FileLink> links)
    {
        if (plan.Reject.Count > 0)
            throw new SourceException(SourceFault.Refused, LargeFileRule.Refusal(plan.Reject[0], rule!)) { Status = "5.3.4" };
        if (plan.Warn.Count == 0)
            return links.Count == 0 ? LinkedFiles.None : new(links, []);

        string[] warnings = [.. plan.Warn.Select(file => LargeFileRule.Describe(file, rule!))];
        foreach (var warning in warnings)
            Log.Large(logger, ticket.Id, warning);
        return new(links, warnings);
    }

    private async Task<FileLink> LinkAsync(QueuedMail ticket, string tenant, LargeFiles rule, LargeFile file, CancellationToken cancel)
    {
        var volume = Volume(tenant, rule);
        var now = Now;
        var viaDaemon = rule.PublicUrl is not null || LinkAddress.IsServed(volume, rule.LifetimeDays, tokens.PublicUrl);
        if (rule.PublicUrl is null && viaDaemon && tokens.PublicUrl is null)
            throw Down(volume, "Api:PublicUrl is not set, so nobody could follow a link to a file in it");
        var expiresAt = now + LinkAddress.Lifetime(rule.LifetimeDays, viaDaemon);

        var hash = file.Sha256 ?? await HashAsync(file, cancel);
        var content = new LinkContent(tenant, volume.Tenant, volume.Id, LinkAddress.Location(volume.Config), hash, file.Size);
        var kept = await store.ReserveAsync(content, LinkAddress.NewKey(tenant), expiresAt, now);
        if (!kept.Uploaded)
            await UploadOnceAsync(volume, kept, file, expiresAt, cancel);

        var type = LinkAddress.ContentType(file.ContentType);
        var presigned = viaDaemon
            ? null
            : await writer.PresignAsync(volume, kept.Key, file.Name, type, DateTimeOffset.FromUnixTimeMilliseconds(expiresAt), head: false);
        return await store.AddAsync(
            new(ticket.Id, ticket.Revision, file.Index, kept.Number, file.Name, type, expiresAt),
            number =>
                rule.PublicUrl is { } elsewhere
                    ? $"{elsewhere.TrimEnd('/')}/{kept.Key}"
                    : presigned?.AbsoluteUri ?? tokens.Address(number, expiresAt).AbsoluteUri,
            now
        );
    }

    private Volume Volume(string tenant, LargeFiles rule)
    {
        if (rule.Volume is { } id && volumes.Directory.Find(tenant, id) is { } volume)
        {
            return VolumeWriter.Takes(volume)
                ? volume
                : throw Down(volume, "files cannot be put there: it must be s3, or local and set with the admin key");
        }

        // An operator can repair this, so the message is deferred.
        throw new SourceException(SourceFault.Down, $"The volume '{rule.Volume}' of the rule for large files is not there.");
    }

    // The first mail that needs the object uploads it from its own file. If that upload fails or is cancelled, all that waited retry
    // later.
    private async Task UploadOnceAsync(Volume volume, LinkObject kept, LargeFile file, long expiresAt, CancellationToken cancel)
    {
        var upload = _uploads.GetOrAdd(kept.Number, _ => new(() => UploadAsync(volume, kept, file, expiresAt, cancel)));
        try
        {
            await upload.Value.WaitAsync(cancel);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw Down(volume, "the upload was given up");
        }
        finally
        {
            _uploads.TryRemove(new(kept.Number, upload));
        }
    }

    private async Task UploadAsync(Volume volume, LinkObject kept, LargeFile file, long expiresAt, CancellationToken cancel)
    {
        // Another upload may have finished between reading the store and this call.
        if ((await store.ReserveAsync(kept.Content, kept.Key, expiresAt, Now)).Uploaded)
            return;
        var began = clock.GetTimestamp();
        await PutAsync(volume, kept.Key, file, cancel);
        await store.UploadedAsync(kept.Number);
        Log.Uploaded(logger, kept.Content.Size, volume, (long)clock.GetElapsedTime(began).TotalMilliseconds);
    }

    private async Task PutAsync(Volume volume, string key, LargeFile file, CancellationToken cancel)
    {
        try
        {
            await writer.PutAsync(volume, key, file, cancel);
            volumes.Worked(volume);
        }
        catch (SourceException error)
        {
            // A spool file that is gone was purged, or its message replaced: that says nothing against the volume.
            if (error.InnerException is not FileNotFoundException)
                volumes.Failed(volume, error.Message, Now);
            throw;
        }
    }

    private static async Task<byte[]> HashAsync(LargeFile file, CancellationToken cancel)
    {
        await using var content = file.Open();
        return await SHA256.HashDataAsync(content, cancel);
    }

    private static SourceException Down(Volume volume, string why) =>
        new(SourceFault.Down, $"The volume '{volume.Id}' of the rule for large files: {why}.");

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(440, LogLevel.Warning, "Message {Message}: {Warning}; it is sent all the same")]
        public static partial void Large(ILogger logger, long message, string warning);

        [LoggerMessage(441, LogLevel.Information, "{Bytes} bytes were put into the volume {Volume} for links, in {Milliseconds} ms")]
        public static partial void Uploaded(ILogger logger, long bytes, Volume volume, long milliseconds);
    }
}
