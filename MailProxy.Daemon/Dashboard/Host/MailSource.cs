using System.Security.Claims;
using MailProxy.Daemon.Dashboard.Model;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Reads mail for views, no more at a time than there is room for.</summary>
internal sealed class MailSource(PageApi api, PageCapacity capacity)
{
    /// <param name="source"><c>messages</c> or <c>sandbox</c>.</param>
    /// <param name="make">Takes out of the mail's bytes what is shown; null: it has no such thing.</param>
    public async Task<Found<T>> ReadAsync<T>(ClaimsPrincipal user, string source, string id, Func<byte[], T?> make, CancellationToken gone)
        where T : class
    {
        if (source is not ("messages" or "sandbox"))
            return new(null, 404, "There is no such mail.");
        using var turn = await capacity.ReadAsync(user, gone);
        if (turn is null)
            return new(null, 503, "Too many mails are looked at now: try again in a moment.");
        var path = (source == "sandbox" ? "sandbox/messages/" : "messages/") + Uri.EscapeDataString(id) + "/raw";
        var (bytes, status) = await api.BytesAsync(path, MailContents.Largest, gone);
        if (status == 413)
            return new(null, 413, $"It is larger than {MailContents.Largest >> 20} MB: GET /v1/{path} has it.");
        if (bytes is null)
            return new(null, 404, "Its content is not here any more.");
        return make(bytes) is { } made ? new(made, 200, "") : new(null, 404, "It has no such part, or cannot be read as a mail.");
    }
}

/// <summary>What was taken out of a mail.</summary>
/// <param name="Value">Null: nothing; <paramref name="Status"/> and <paramref name="Trouble"/> say why.</param>
internal sealed record Found<T>(T? Value, int Status, string Trouble)
    where T : class;
