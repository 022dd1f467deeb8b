using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Configuration;

/// <summary>Reads and writes <c>auth</c> of whatever is configured with credentials, over what is stored. Pure.</summary>
public static class SourceAuthFields
{
    private static readonly Shape Long = Shape.Text with { Longest = Credentials.MaxLength };

    // For the documents only: which members there are depends on the kind, so they are read together.
    private static readonly FieldList<SourceAuth> Members = new(
        "SourceAuth",
        [
            new("user", Long),
            new("password", Long) { Secret = true },
            new("bearer", Long) { Secret = true },
            new("header", Shape.Text),
            new("value", Long) { Secret = true },
        ]
    )
    {
        Loose = true,
        Says =
            "How a source of files is asked: `user` and `password`, or `bearer`, or `header` and `value`. Secrets are write-only; "
            + "absent: kept.",
        Shown = "How a source of files is asked; secrets only as set.",
    };

    /// <param name="existing">What is stored: kept when the secret is absent and nothing else changes.</param>
    /// <param name="moved">What the secret would be sent to changes, and then it must be given again.</param>
    public static SourceAuth? Bind(MemberReader? auth, SourceAuth? existing, bool moved)
    {
        if (auth is null)
            return null;
        auth.ReadOnly("password_set", "bearer_set", "value_set");
        var before = auth.Mistakes;
        var members = new CredentialMembers(
            auth.Plain("user"),
            auth.Plain("password"),
            auth.Plain("bearer"),
            auth.Plain("header"),
            auth.Plain("value")
        );
        var readable = auth.Mistakes == before;
        auth.Close();
        var removed = auth.IsNull("password") || auth.IsNull("bearer") || auth.IsNull("value");
        return readable ? auth.Credentials(members, new(existing, moved, removed)) : null;
    }

    /// <summary>As it is answered: secrets only as set.</summary>
    public static JsonObject? Answer(SourceAuth? auth) =>
        auth switch
        {
            null => null,
            SourceAuth.Basic basic => new() { ["user"] = basic.User, ["password_set"] = true },
            SourceAuth.Bearer => new() { ["bearer_set"] = true },
            SourceAuth.Header header => new() { ["header"] = header.Name, ["value_set"] = true },
            _ => throw new ArgumentOutOfRangeException(nameof(auth)),
        };

    /// <summary>The member <c>auth</c> of an object that is asked with it; a store keeps it elsewhere.</summary>
    /// <param name="moved">Whether what is asked has changed, by what is and what was: a secret must then be given again.</param>
    public static Field<T> Of<T>(Func<T, SourceAuth?> get, Func<T, SourceAuth?, T> set, Func<T, T?, bool> moved, string? says = null) =>
        new("auth", new("object") { Object = Members })
        {
            Says = says,
            Bind = (members, now, before) =>
                set(now, Bind(members.Object("auth"), before is null ? null : get(before), moved(now, before))),
            Show = (value, shown) => Field<T>.Add(shown, "auth", Answer(get(value))),
        };

    /// <summary>Writes which kind it is and what of it is no secret.</summary>
    public static void KeepKind(SourceAuth? auth, JsonObject kept)
    {
        switch (auth)
        {
            case SourceAuth.Basic basic:
                (kept["auth"], kept["user"]) = ("basic", basic.User);
                break;
            case SourceAuth.Bearer:
                kept["auth"] = "bearer";
                break;
            case SourceAuth.Header header:
                (kept["auth"], kept["header"]) = ("header", header.Name);
                break;
        }
    }

    /// <summary>Reads what <see cref="KeepKind"/> wrote, with an empty secret. An unknown word must not send a request without the
    /// credentials that its owner meant.</summary>
    public static SourceAuth? ReadKind(JsonElement kept) =>
        (kept.TryGetProperty("auth", out var auth) ? auth.GetString() : null) switch
        {
            null => null,
            "basic" => new SourceAuth.Basic(kept.GetProperty("user").GetString()!, ""),
            "bearer" => new SourceAuth.Bearer(""),
            "header" => new SourceAuth.Header(kept.GetProperty("header").GetString()!, ""),
            var kind => throw new UnreadableResourceException($"Its credentials are of the unknown kind '{kind}'."),
        };

    /// <summary>Credentials that are sealed whole, with what of them is no secret.</summary>
    /// <param name="told">How the audit log calls them.</param>
    public static Sealed<T> Sealed<T>(string column, string told, Func<T, SourceAuth?> get, Func<T, SourceAuth?, T> set) =>
        new(
            column,
            told,
            value => get(value) is { } auth ? ToText(auth) : null,
            (value, text) => set(value, text is null ? null : FromText(text))
        );

    private static string ToText(SourceAuth auth) =>
        (
            auth switch
            {
                SourceAuth.Basic basic => new JsonObject { ["user"] = basic.User, ["password"] = basic.Password },
                SourceAuth.Bearer bearer => new JsonObject { ["bearer"] = bearer.Token },
                SourceAuth.Header header => new JsonObject { ["header"] = header.Name, ["value"] = header.Value },
                _ => throw new ArgumentOutOfRangeException(nameof(auth)),
            }
        ).ToJsonString();

    private static SourceAuth FromText(string text)
    {
        using var document = JsonDocument.Parse(text);
        var kept = document.RootElement;
        string? Text(string name) => kept.TryGetProperty(name, out var found) ? found.GetString() : null;
        return (Text("user"), Text("password"), Text("bearer"), Text("header"), Text("value")) switch
        {
            ({ } user, { } password, _, _, _) => new SourceAuth.Basic(user, password),
            (_, _, { } token, _, _) => new SourceAuth.Bearer(token),
            (_, _, _, { } name, { } value) => new SourceAuth.Header(name, value),
            _ => throw new UnreadableResourceException("Its credentials are of a kind that this program does not know."),
        };
    }

    public static string? SecretOf(SourceAuth? auth) =>
        auth switch
        {
            SourceAuth.Basic basic => basic.Password,
            SourceAuth.Bearer bearer => bearer.Token,
            SourceAuth.Header header => header.Value,
            _ => null,
        };

    public static SourceAuth WithSecret(SourceAuth auth, string secret) =>
        auth switch
        {
            SourceAuth.Basic basic => basic with { Password = secret },
            SourceAuth.Header header => header with { Value = secret },
            _ => new SourceAuth.Bearer(secret),
        };
}
