using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// The volumes that clients name: of version A, for all accounts or one, and storages of version C. Both are this program's volumes.
/// </summary>
internal sealed class GenroVolumes(GenroVolume writer, CurrentVolumes volumes, ICompatStore store, TimeProvider clock)
{
    private const string Kind = "volume";

    // A reason names no more than that.
    private const int LongestReason = 2_000;

    private static readonly string[] Supported = ["local", "s3"];
    private static readonly string[] Known = ["s3", "gcs", "azure", "local", "http", "webdav", "memory"];

    /// <summary>Makes or replaces one of version A.</summary>
    public async Task<GenroRefusal?> PutAsync(Caller caller, GenroReader reader, CancellationToken cancel)
    {
        var backend = reader.Text("backend", required: true);
        var account = reader.Text("account_id", most: 63);
        var config = reader.Object("config", required: true);
        return await PutAsync(caller, reader, "backend", backend, config, account is { Length: > 0 } ? account : null, cancel);
    }

    /// <param name="word">What the reader's member with the backend is called.</param>
    /// <param name="account">The only account that may name it; null: every one.</param>
    public async Task<GenroRefusal?> PutAsync(
        Caller caller,
        GenroReader reader,
        string word,
        string? backend,
        GenroReader? config,
        string? account,
        CancellationToken cancel
    )
    {
        var name = reader.Text("name", required: true, least: 1);
        if (name is { Length: > 0 } && (!IdSyntax.IsObjectId(name) || !AttachmentNotation.IsVolumeName(name)))
            reader.Fault("name", "value_error", $"A name is {IdSyntax.ObjectRule}, and not base64, http or https");
        if (backend is not null && !Known.Contains(backend))
            _ = reader.Choice(word, Known);
        else if (backend is not null && !Supported.Contains(backend))
            reader.Fault(word, "value_error", $"{backend} is not supported here: local and s3 are");
        var meant = backend is null || config is null ? null : VolumeDocument.Meant(backend, config);
        if (reader.Mistakes.Count > 0 || meant is null)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (await writer.PutAsync(caller, caller.Tenant, name!, meant, probeOnly: false, cancel) is { } fault)
            return GenroRefusal.Wrong("value_error", fault, "body", "config");
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var before = await store.DocumentAsync(caller.Tenant, Kind, name!);
        var created = before is null ? now : VolumeDocument.Parse(before).CreatedAt;
        await store.KeepAsync(
            caller.Tenant,
            Kind,
            name!,
            new VolumeDocument(VolumeDocument.Shown(config!.Root), account, created, now).Text
        );
        return null;
    }

    /// <summary>All of a tenant's, with what is kept of each.</summary>
    public async Task<IEnumerable<(Volume Volume, VolumeDocument? Kept)>> ListAsync(string tenant)
    {
        var kept = await store.DocumentsAsync(tenant, Kind);
        return writer.Of(tenant).Select(volume => (volume, Of(kept.GetValueOrDefault(volume.Id))));
    }

    public async Task<(Volume Volume, VolumeDocument? Kept)?> FindAsync(string tenant, string name) =>
        writer.Find(tenant, name) is { } volume ? (volume, Of(await store.DocumentAsync(tenant, Kind, name))) : null;

    /// <summary>Null: there is none; else why it cannot be deleted, or an empty text.</summary>
    public async Task<string?> DeleteAsync(Caller caller, string name, CancellationToken cancel)
    {
        switch (await writer.DeleteAsync(caller, caller.Tenant, name, cancel))
        {
            case DeleteResult.Deleted:
                await store.KeepAsync(caller.Tenant, Kind, name, null);
                return "";
            case DeleteResult.InUse:
                return "Mail that was sent links to files in the volume, and their time is not over";
            default:
                return null;
        }
    }

    /// <summary>Whether a tenant has a storage of a name; only version C knows such.</summary>
    public Func<string, string, bool> StoragesOf(GenroForm form) =>
        form.IsBare ? (tenant, name) => volumes.Directory.Find(tenant, name) is not null : static (_, _) => false;

    /// <summary>Why a message's attachments cannot be: they name volumes that there are not, or not for its account.</summary>
    public async Task<string?> ReasonAsync(GenroMessage message)
    {
        if (message.InVolumes.Count == 0)
            return null;
        var wrong = new List<string>();
        foreach (var path in message.InVolumes.Distinct(StringComparer.Ordinal))
        {
            var colon = path.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !await MayNameAsync(message.Tenant!, path[..colon], message.Account))
                wrong.Add(path);
        }

        if (wrong.Count == 0)
            return null;
        var reason = "Invalid/unauthorized storage volumes: " + string.Join(", ", wrong);
        return reason.Length <= LongestReason
            ? reason
            : reason[..(LongestReason - (char.IsHighSurrogate(reason[LongestReason - 1]) ? 1 : 0))];
    }

    /// <summary>As version A shows it.</summary>
    public static JsonObject Show(Volume volume, VolumeDocument? kept)
    {
        var shown = new JsonObject
        {
            ["id"] = NumberOf(volume.Id),
            ["name"] = volume.Id,
            ["backend"] = volume.Config.Backend,
            ["config"] = kept?.Config.DeepClone() ?? VolumeDocument.Shown(volume.Config, "path"),
        };
        if (kept?.Account is { } account)
            shown["account_id"] = account;
        if (kept is not null)
        {
            shown["created_at"] = GenroTimes.Iso(kept.CreatedAt);
            shown["updated_at"] = GenroTimes.Iso(kept.UpdatedAt);
        }

        return shown;
    }

    // Who is not meant learns nothing of it, as if there were none.
    private async Task<bool> MayNameAsync(string tenant, string name, string account)
    {
        if (volumes.Directory.Find(tenant, name) is not { } volume)
            return volumes.Directory.MeansDamaged(tenant, name);
        return volume.Tenant != tenant || Of(await store.DocumentAsync(tenant, Kind, name))?.Account is not { } only || only == account;
    }

    private static VolumeDocument? Of(string? kept) => kept is null ? null : VolumeDocument.Parse(kept);

    // Clients want a number; it is the same for the same name always (FNV-1a).
    private static int NumberOf(string name)
    {
        var hash = 2_166_136_261u;
        foreach (var c in name)
            hash = (hash ^ c) * 16_777_619u;
        return (int)(hash & int.MaxValue);
    }
}
