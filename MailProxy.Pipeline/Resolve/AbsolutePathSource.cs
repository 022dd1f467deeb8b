using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Opens files that a message names by their absolute path; only files below a root allowed by the operator.</summary>
internal sealed class AbsolutePathSource(LocalSource files, ResolveOptions options) : IAttachmentSource
{
    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel)
    {
        var path = ((AttachmentPlace.AbsolutePath)wanted.Place).Path;
        foreach (var root in options.AllowedRoots)
        {
            var below = root.EndsWith('/') ? root : root + "/";
            if (path.Length > below.Length && path.StartsWith(below, StringComparison.Ordinal))
                return files.OpenAsync(root, path[below.Length..], wanted.Place, cancel);
        }

        throw new SourceException(SourceFault.Refused, $"{wanted.Place}: it is not below a directory that Resolve:AllowedRoots names.");
    }
}
