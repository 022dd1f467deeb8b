using System.Buffers.Text;
using System.Text;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>A page's cursor: opaque to clients. A place among names is written as it is; a number is sealed under the store's generation,
/// since it would tell how much others have, and means something else in another life of the store.</summary>
internal static class Cursor
{
    public static string Write(string position) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(position));

    public static string? ReadText(string cursor) => Bytes(cursor) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <param name="list">The route's own name for what it pages.</param>
    public static string Write(HttpContext http, string list, long position) =>
        Base64Url.EncodeToString(Generations(http).Seal(list, position));

    public static CursorReading Read(HttpContext http, string list, string cursor) =>
        Bytes(cursor) is { } bytes ? Generations(http).Open(list, bytes) : default;

    private static StoreGenerations Generations(HttpContext http) => http.RequestServices.GetRequiredService<StoreGenerations>();

    private static byte[]? Bytes(string cursor) =>
        cursor.Length <= 256 && Base64Url.IsValid(cursor) ? Base64Url.DecodeFromChars(cursor) : null;
}
