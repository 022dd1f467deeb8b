using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>The credentials of a source, in the text form that is sealed.</summary>
internal static class StoredAuth
{
    public static string ToText(SourceAuth auth)
    {
        JsonObject text = auth switch
        {
            SourceAuth.Basic basic => new() { ["user"] = basic.User, ["password"] = basic.Password },
            SourceAuth.Bearer bearer => new() { ["bearer"] = bearer.Token },
            SourceAuth.Header header => new() { ["header"] = header.Name, ["value"] = header.Value },
            _ => throw new ArgumentOutOfRangeException(nameof(auth), auth, null),
        };
        return text.ToJsonString();
    }

    public static SourceAuth FromText(string text)
    {
        using var json = JsonDocument.Parse(text);
        string? Of(string name) => json.RootElement.TryGetProperty(name, out var member) ? member.GetString() : null;
        return Of("user") is { } user && Of("password") is { } password ? new SourceAuth.Basic(user, password)
            : Of("bearer") is { } token ? new SourceAuth.Bearer(token)
            : Of("header") is { } name && Of("value") is { } value ? new SourceAuth.Header(name, value)
            : throw new UnreadableResourceException("Its credentials are of a kind that this program does not know.");
    }
}
