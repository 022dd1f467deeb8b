using System.Text.Json;

namespace MailProxy.Daemon.Genro;

/// <summary>Attachments of genro-mail-proxy in this program's older notation, which says where content is in the same words.</summary>
internal static class DraftAttachments
{
    private const string Base64 = "base64:";
    private const int LongestName = 255;

    private static readonly HashSet<string> Members = new(StringComparer.Ordinal)
    {
        "filename",
        "storage_path",
        "mime_type",
        "fetch_mode",
        "content_md5",
        "auth",
    };

    /// <summary>Returns the addresses that are to be in volumes, where a version knows no other.</summary>
    /// <param name="isStorage">Whether a name that stands before a colon is a storage's.</param>
    public static IReadOnlyList<string> Write(Utf8JsonWriter json, GenroReader message, GenroForm form, Func<string, bool> isStorage)
    {
        if (message.List("attachments") is not { } list || list.GetArrayLength() == 0)
            return [];
        var inVolumes = new List<string>();
        json.WriteStartArray("attachments"u8);
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (message.At("attachments", index++, item) is not { } attachment)
                continue;
            if (!form.OwnsVolumes)
                Write(json, attachment, item, isStorage);
            else if (WritePlain(json, attachment) is { } path)
                inVolumes.Add(path);
        }

        json.WriteEndArray();
        return inVolumes;
    }

    // Inline or in a volume; returns the address in a volume. Other members are ignored.
    private static string? WritePlain(Utf8JsonWriter json, GenroReader attachment)
    {
        var filename = attachment.Text("filename", required: true, least: 1, most: LongestName) ?? "";
        var path = attachment.Text("storage_path", required: true, least: 1) ?? "";
        var isInline = path.StartsWith(Base64, StringComparison.Ordinal);
        json.WriteStartObject();
        json.WriteString("filename"u8, filename);
        json.WriteString("storage_path"u8, path);
        json.WriteString("fetch_mode"u8, isInline ? "base64"u8 : "storage"u8);
        json.WriteEndObject();
        return isInline ? null : path;
    }

    private static void Write(Utf8JsonWriter json, GenroReader attachment, JsonElement item, Func<string, bool> isStorage)
    {
        foreach (var member in item.EnumerateObject())
        {
            if (!Members.Contains(member.Name))
                attachment.Fault(member.Name, "extra_forbidden", "Extra inputs are not permitted");
        }

        var filename = attachment.Text("filename", required: true, least: 1, most: LongestName) ?? "";
        var path = attachment.Text("storage_path", required: true, least: 1) ?? "";
        var given = attachment.Choice("fetch_mode", "endpoint", "http_url", "base64", "filesystem");
        var mode = given ?? ModeOf(path);
        if (given is null or "filesystem" && path.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon && isStorage(path[..colon]))
            mode = "storage";
        var md5 = attachment.Text("content_md5");
        if (md5 is not null && !AttachmentName.IsMd5(md5))
            attachment.Fault("content_md5", "string_pattern_mismatch", "String should match pattern '^[a-fA-F0-9]{32}$'");
        var (name, marked) = AttachmentName.Read(filename);

        json.WriteStartObject();
        json.WriteString("filename"u8, name);
        json.WriteString("storage_path"u8, path);
        json.WriteString("fetch_mode"u8, mode);
        if (mode != "base64" && (md5 ?? marked) is { } key)
            json.WriteString("cache_md5"u8, key);
        if (attachment.Text("mime_type") is { Length: > 0 } type)
            json.WriteString("content_type"u8, type);
        if (attachment.Object("auth") is { } auth)
            Auth(json, auth, mode);
        json.WriteEndObject();
    }

    // Only what was given for this attachment is sent to an address that this program's user did not configure.
    private static void Auth(Utf8JsonWriter json, GenroReader reader, string mode)
    {
        var auth = TenantDocument.Auth(reader);
        if (mode is not ("endpoint" or "http_url") || TenantDocument.AuthOf(auth) is not { } credentials)
            return;
        json.WriteStartObject("auth"u8);
        if (credentials is SourceAuth.Bearer bearer)
            json.WriteString("bearer"u8, bearer.Token);
        if (credentials is SourceAuth.Basic basic)
        {
            json.WriteString("user"u8, basic.User);
            json.WriteString("password"u8, basic.Password);
        }

        json.WriteEndObject();
    }

    private static string ModeOf(string path) =>
        path.StartsWith(Base64, StringComparison.Ordinal) ? "base64"
        : path.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || path.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            ? "http_url"
        : path.StartsWith('/') ? "filesystem"
        : "endpoint";
}
