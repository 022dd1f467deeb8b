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

    public static void Write(Utf8JsonWriter json, GenroReader message, DraftNotation notation)
    {
        if (message.List("attachments") is not { } list || list.GetArrayLength() == 0)
            return;
        json.WriteStartArray("attachments"u8);
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (message.At("attachments", index++, item) is { } attachment)
                Write(json, attachment, item, notation);
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, GenroReader attachment, JsonElement item, DraftNotation notation)
    {
        foreach (var member in item.EnumerateObject())
        {
            if (!Members.Contains(member.Name))
                attachment.Fault(member.Name, "extra_forbidden", "Extra inputs are not permitted");
        }

        var filename = attachment.Text("filename", required: true, least: 1, most: LongestName) ?? "";
        var path = attachment.Text("storage_path", required: true, least: 1) ?? "";
        var mode = attachment.Choice("fetch_mode", "endpoint", "http_url", "base64", "filesystem") ?? ModeOf(path, notation);
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

    private static string ModeOf(string path, DraftNotation notation) =>
        path.StartsWith(Base64, StringComparison.Ordinal) ? "base64"
        : path.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || path.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            ? "http_url"
        : path.StartsWith('/') ? "filesystem"
        : path.IndexOf(':') is > 0 and var colon && notation.IsVolume(path[..colon]) ? "storage"
        : "endpoint";
}
