using System.Text.RegularExpressions;

namespace MailProxy.Pipeline.Mail;

/// <summary>The result of reading an attachment of a draft: inline content, something to fetch, or mistakes.</summary>
/// <param name="Inline">The content in base64, not validated; null when it is not inline.</param>
/// <param name="Fetched">What has to be fetched; null when it is inline, or invalid.</param>
/// <param name="Errors">Mistakes, with pointers relative to the attachment (<c>/source</c>); empty when it is valid.</param>
/// <param name="InlineMd5">The MD5 hash that the message claims for the inline content, or null.</param>
public readonly record struct AttachmentReading(
    ReadOnlyMemory<char>? Inline,
    AttachmentRef? Fetched,
    IReadOnlyList<FieldError> Errors,
    byte[]? InlineMd5 = null
);

/// <summary>Reads where an attachment of a draft has its content. Pure, and the only code that knows both notations.</summary>
public static partial class AttachmentNotation
{
    private const string Base64Prefix = "base64:";

    /// <summary>The values of <c>fetch_mode</c>.</summary>
    public static IReadOnlyList<string> FetchModes => PlaceNotation.Modes;

    /// <summary>Whether a volume of this name could be written as a source.</summary>
    public static bool IsVolumeName(string id) =>
        !id.Equals("http", StringComparison.OrdinalIgnoreCase)
        && !id.Equals("https", StringComparison.OrdinalIgnoreCase)
        && !id.Equals("base64", StringComparison.OrdinalIgnoreCase);

    /// <summary>Number of the mail's attachments that have to be fetched. Cheap.</summary>
    public static int CountFetched(MailDraft mail)
    {
        var count = 0;
        foreach (var attachment in mail.Attachments ?? [])
        {
            if (attachment is not null && IsFetched(attachment))
                count++;
        }

        return count;
    }

    /// <summary>The attachments in volumes, by index in the list, with the volume of each.</summary>
    public static IReadOnlyList<(int Attachment, string Volume)> Volumes(MailDraft mail) =>
        CountFetched(mail) == 0
            ? []
            :
            [
                .. from fetched in Fetched(mail)
                where fetched.Place is AttachmentPlace.InVolume
                select (fetched.Index, ((AttachmentPlace.InVolume)fetched.Place).Volume),
            ];

    /// <summary>
    /// What has to be fetched for an accepted mail, in the order of its list. Throws <see cref="FormatException"/> when a source that was
    /// accepted by an earlier version is no longer valid.
    /// </summary>
    public static IReadOnlyList<AttachmentRef> Fetched(MailDraft mail)
    {
        List<AttachmentRef>? refs = null;
        for (var i = 0; i < mail.Attachments?.Count; i++)
        {
            if (mail.Attachments[i] is not { } attachment || !IsFetched(attachment))
                continue;
            var reading = Read(attachment, i);
            (refs ??= []).Add(
                reading.Fetched ?? throw new FormatException($"Attachment {i} cannot be fetched: {reading.Errors[0].Detail}")
            );
        }

        return refs ?? [];
    }

    /// <summary>Inline content in base64, not validated; null when the content is fetched, or missing.</summary>
    public static ReadOnlyMemory<char>? Inline(AttachmentDraft draft)
    {
        if (draft.Content is not null)
            return draft.Content.AsMemory();
        if (draft.StoragePath is not { } written || !IsBase64(draft))
            return null;
        return written.AsMemory(written.StartsWith(Base64Prefix, StringComparison.Ordinal) ? Base64Prefix.Length : 0);
    }

    /// <summary>The file name for the recipient: without a marker <c>{MD5:…}</c>, and valid on every file system.</summary>
    public static string FileName(AttachmentDraft draft) => FileNames.Safe(WithoutMarker(draft.Filename ?? "", out _));

    /// <param name="index">The attachment's index in the message's list.</param>
    public static AttachmentReading Read(AttachmentDraft draft, int index)
    {
        var errors = new List<FieldError>();
        if (OneOf(draft) is { } conflict)
            return new(null, null, [conflict]);
        Old(draft, errors);

        var md5 = Md5(draft, errors);
        var named = Hash(draft.CacheMd5, "/cache_md5", 16, errors);
        if (Inline(draft) is { } inline)
        {
            // Beside inline content these members would be claims that nobody checks.
            if (draft.Sha256 is not null)
                errors.Add(new("/sha256", "source_required", "Only for attachments that are fetched."));
            if (draft.Size is not null)
                errors.Add(new("/size", "source_required", "Only for attachments that are fetched."));
            if (draft.Auth is not null)
                errors.Add(new("/auth", "source_required", "Only for attachments that are fetched."));
            return new(inline, null, errors, md5);
        }

        var sha256 = Hash(draft.Sha256, "/sha256", 32, errors);
        if (draft.Size is < 0)
            errors.Add(new("/size", "out_of_range", "A size is a number of bytes."));
        var auth = draft.Auth is { } written ? Auth(written, errors) : null;

        var (at, text) = draft.Source is { } source ? ("/source", source) : ("/storage_path", draft.StoragePath!);
        var (place, fault) = PlaceNotation.Read(text, draft.Source is null ? draft.FetchMode : null);
        if (fault is { } wrong)
            errors.Add(new(at, wrong.Code, wrong.Detail));
        else if (auth is not null && place is not (AttachmentPlace.Url or AttachmentPlace.Endpoint))
            errors.Add(
                new("/auth", "not_applicable", "Only an http(s) source and an endpoint take credentials here; a volume has its own.")
            );
        if (errors.Count > 0)
            return new(null, null, errors);
        var fetched = new AttachmentRef(index, place!, sha256, md5, draft.Size, auth) { CacheMd5 = named, FileName = FileName(draft) };
        return new(null, fetched, errors);
    }

    private static SourceAuth? Auth(SourceAuthDraft written, List<FieldError> errors)
    {
        var before = errors.Count;
        foreach (var name in written.Unknown?.Keys ?? Enumerable.Empty<string>())
            errors.Add(new(JsonPointer.Member("/auth", name), "unknown_field", "Unknown field."));
        var members = new CredentialMembers(written.User, written.Password, written.Bearer, written.Header, written.Value);
        var auth = Credentials.Read(members, "/auth", errors);
        return errors.Count == before ? auth : null;
    }

    private static bool IsFetched(AttachmentDraft draft) =>
        draft.Content is null && (draft.Source is not null || (draft.StoragePath is not null && !IsBase64(draft)));

    private static bool IsBase64(AttachmentDraft draft) =>
        draft.FetchMode == "base64" || (draft.FetchMode is null && draft.StoragePath!.StartsWith(Base64Prefix, StringComparison.Ordinal));

    private static FieldError? OneOf(AttachmentDraft draft) =>
        (draft.Content, draft.Source, draft.StoragePath) switch
        {
            (null, null, null) => new("/content", "required", "An attachment needs content or a source."),
            (not null, not null, _) => new("/source", "content_excludes", "An attachment has content or a source, not both."),
            (not null, _, not null) => new("/storage_path", "content_excludes", "An attachment has content or a storage_path, not both."),
            (_, not null, not null) => new("/storage_path", "source_excludes", "An attachment has a source or a storage_path, not both."),
            _ => null,
        };

    private static void Old(AttachmentDraft draft, List<FieldError> errors)
    {
        if (draft.FetchMode is null)
            return;
        if (draft.StoragePath is null)
            errors.Add(new("/fetch_mode", "not_applicable", "A fetch_mode goes with a storage_path."));
        else if (!PlaceNotation.Modes.Contains(draft.FetchMode))
            errors.Add(new("/fetch_mode", "invalid_fetch_mode", $"One of {string.Join(", ", PlaceNotation.Modes)}."));
    }

    private static byte[]? Md5(AttachmentDraft draft, List<FieldError> errors)
    {
        WithoutMarker(draft.Filename ?? "", out var marked);
        var claimed = Hash(draft.ContentMd5, "/content_md5", 16, errors);
        var marker = marked is null ? null : Convert.FromHexString(marked);
        if (claimed is not null && marker is not null && !claimed.AsSpan().SequenceEqual(marker))
        {
            errors.Add(new("/content_md5", "conflicting_hash", "The file name's {MD5:…} says otherwise."));
        }

        return claimed ?? marker;
    }

    private static byte[]? Hash(string? written, string at, int bytes, List<FieldError> errors)
    {
        if (written is null)
            return null;
        var hash = new byte[bytes];
        if (
            written.Length == 2 * bytes
            && Convert.FromHexString(written, hash, out _, out var length) == System.Buffers.OperationStatus.Done
            && length == bytes
        )
            return hash;
        errors.Add(new(at, "invalid_hash", $"Write {2 * bytes} hexadecimal digits."));
        return null;
    }

    // The separator before the marker is removed with it: invoice_{MD5:…}.pdf becomes invoice.pdf.
    private static string WithoutMarker(string name, out string? md5)
    {
        md5 = null;
        if (!name.Contains("{MD5:", StringComparison.OrdinalIgnoreCase) || Marker().Match(name) is not { Success: true } marker)
            return name;
        md5 = marker.Groups["md5"].Value;
        var left = name[..marker.Index];
        var right = name[(marker.Index + marker.Length)..];
        return left.Length == 0 ? right.TrimStart(' ', '_', '-')
            : left.TrimEnd(' ', '_', '-') is { Length: > 0 } rest ? rest + right
            : left + right;
    }

    [GeneratedRegex(
        @"\{MD5:(?<md5>[0-9A-F]{32})\}",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex Marker();
}
