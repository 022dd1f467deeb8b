using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Configuration.Volumes;

/// <summary>What a tenant's mail may name at this moment, so that a mistake is told at submission and not by a mail that fails.</summary>
/// <param name="hasEndpoint">Does the tenant have an attachment endpoint?</param>
/// <param name="roots">Directories below which absolute paths may be.</param>
/// <param name="maxBytes">Of one attachment.</param>
public sealed class KnownSources(CurrentVolumes volumes, Func<string, bool> hasEndpoint, IReadOnlyList<string> roots, long maxBytes)
{
    /// <summary>Null when the place may be named.</summary>
    public (string Code, string Detail)? Fault(string tenant, AttachmentPlace place) =>
        place switch
        {
            AttachmentPlace.InVolume file when IsUnknown(volumes.Directory, tenant, file.Volume) => (
                "unknown_volume",
                $"There is no volume '{file.Volume}'."
            ),
            AttachmentPlace.AbsolutePath file when !roots.Any(root => IsBelow(root, file.Path)) => (
                "path_not_allowed",
                "Files of the machine may only be named below directories that its operator allowed."
            ),
            AttachmentPlace.Endpoint when !hasEndpoint(tenant) => (
                "no_attachment_endpoint",
                "Not a volume:path, an http(s) address or an absolute path, and the tenant has no attachment endpoint."
            ),
            _ => null,
        };

    /// <summary>Null when an attachment may have this size.</summary>
    public (string Code, string Detail)? Fault(long size) =>
        size > maxBytes ? ("too_large", $"An attachment has at most {maxBytes} bytes.") : null;

    // Mail for a damaged volume is taken: it waits until a person mends the volume.
    private static bool IsUnknown(VolumeDirectory there, string tenant, string id) =>
        there.Find(tenant, id) is null && !there.MeansDamaged(tenant, id);

    private static bool IsBelow(string root, string path) =>
        path.StartsWith(root.EndsWith('/') ? root : root + "/", StringComparison.Ordinal);
}
