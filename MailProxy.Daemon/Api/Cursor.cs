using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MailProxy.Daemon.Api;

/// <summary>A page's cursor: opaque to clients, so that what it holds may change.</summary>
internal static class Cursor
{
    public static string Write(long position) => Write(position.ToString(CultureInfo.InvariantCulture));

    public static string Write(string position) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(position));

    public static long? ReadNumber(string cursor) =>
        ReadText(cursor) is { } text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static string? ReadText(string cursor)
    {
        if (cursor.Length > 256 || !Base64Url.IsValid(cursor)) return null;
        return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
    }
}
