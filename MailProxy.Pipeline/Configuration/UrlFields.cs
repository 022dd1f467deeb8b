using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Configuration;

/// <summary>Members that are addresses whose query may hold secrets: answers and the audit log hide its values.</summary>
public static class UrlFields
{
    /// <summary>An address that is required; what a client was shown of it, sent back, keeps it as it is.</summary>
    public static Field<T> Hidden<T>(string name, Func<T, Uri> get, Func<T, Uri, T> set)
        where T : class =>
        new(name, Shape.Url)
        {
            Required = true,
            Always = true,
            Bind = (members, now, before) =>
                members.Url(name, required: true, query: true, before is null ? null : get(before).OriginalString) is { } url
                    ? set(now, url)
                    : now,
            Show = (value, shown) => shown[name] = Shown(get(value)),
            Keep = (value, kept) => kept[name] = get(value).OriginalString,
            Read = (value, kept) => kept.TryGetProperty(name, out var url) ? set(value, HttpAddress.Stored(url.GetString()!)) : value,
            Tell = (value, told) => told[name] = Shown(get(value)),
        };

    public static string Shown(Uri url) => ShownUrl.Of(url.OriginalString);
}
