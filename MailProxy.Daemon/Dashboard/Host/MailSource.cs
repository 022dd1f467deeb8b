using System.Security.Claims;
using MailProxy.Daemon.Dashboard.Model;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Reads mail for views, no more at a time than there is room for.</summary>
internal sealed class MailSource(PageApi api, PageCapacity capacity)
{
    /// <param name="source"><c>messages</c> or <c>sandbox</c>.</param>
    public async Task<MailBytes> ReadAsync(ClaimsPrincipal user, string source, string id, CancellationToken gone)
    {
        if (source is not ("messages" or "sandbox"))
            return new(null, 404, "There is no such mail.", null);
        var path = source == "sandbox" ? "sandbox/messages/" : "messages/";
        var room = await capacity.HoldAsync(user, MailContents.Largest, gone);
        if (room is null)
            return new(null, 503, "Too many mails are looked at now: try again in a moment.", null);
        var (bytes, status) = await api.BytesAsync($"{path}{Uri.EscapeDataString(id)}/raw", MailContents.Largest, gone);
        return status switch
        {
            200 => new(bytes, 200, "", room),
            413 => new(null, 413, $"It is larger than {MailContents.Largest >> 20} MB: GET /v1/{path}{id}/raw has it.", room),
            _ => new(null, 404, "Its content is not here any more.", room),
        };
    }
}

/// <summary>A mail's bytes, and the room that they take.</summary>
/// <param name="Bytes">Null: there are none; <paramref name="Status"/> and <paramref name="Trouble"/> say why.</param>
internal sealed record MailBytes(byte[]? Bytes, int Status, string Trouble, IDisposable? Room) : IDisposable
{
    public void Dispose() => Room?.Dispose();
}
