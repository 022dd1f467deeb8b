using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Settings of the installation that clients may write. Bounces are not fetched here, so they are kept and shown.</summary>
internal sealed class GenroInstance(ICompatStore store)
{
    /// <summary>The kind and the name of the document.</summary>
    public const string Kind = "instance",
        Id = "1";

    private const string Password = "bounce_imap_password";

    private static readonly string[] Texts =
    [
        "name",
        "bounce_imap_host",
        "bounce_imap_user",
        "bounce_imap_folder",
        "bounce_return_path",
        Password,
    ];
    private static readonly string[] Flags = ["bounce_enabled", "bounce_imap_ssl"];
    private static readonly string[] Numbers = ["bounce_imap_port", "bounce_poll_interval"];

    /// <summary>All that may be kept, by name.</summary>
    public static IReadOnlyList<string> Members { get; } = [.. Texts, .. Flags, .. Numbers];

    /// <summary>What is kept of members of unknown kinds; null: nothing.</summary>
    public static string? Kept(JsonObject members)
    {
        using var json = JsonDocument.Parse(members.ToJsonString());
        var reader = new GenroReader(json.RootElement);
        var kept = new JsonObject();
        Read(reader, kept);
        return kept.Count == 0 ? null : kept.ToJsonString();
    }

    public async Task<IResult> ShowAsync()
    {
        var shown = new JsonObject { ["id"] = 1 };
        foreach (var (name, value) in await ReadAsync())
        {
            if (value is not null && name != Password)
                shown[name] = value.DeepClone();
        }

        return new GenroAnswer(shown);
    }

    /// <summary>Its name, for people.</summary>
    public async Task<string?> NameAsync() => (string?)(await ReadAsync())["name"];

    /// <summary>What is absent or null stays.</summary>
    public async Task<IResult> PutAsync(GenroReader reader)
    {
        var members = await ReadAsync();
        Read(reader, members);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        await store.KeepAsync("", Kind, Id, members.ToJsonString());
        return GenroAnswer.Ok();
    }

    public async Task<IResult> ReloadAsync()
    {
        var members = await ReadAsync();
        return members["bounce_enabled"]!.GetValue<bool>() && (string?)members["bounce_imap_host"] is not { Length: > 0 }
            ? GenroRefusal.Text(400, "bounce detection is enabled but no IMAP host is configured")
            : GenroAnswer.Ok();
    }

    private static void Read(GenroReader reader, JsonObject members)
    {
        foreach (var name in Texts)
        {
            if (reader.Text(name, most: 1_000) is { } text)
                members[name] = text;
        }

        foreach (var name in Flags)
        {
            if (reader.Flag(name) is { } flag)
                members[name] = flag;
        }

        foreach (var name in Numbers)
        {
            if (reader.Whole(name) is { } number)
                members[name] = number;
        }
    }

    private async Task<JsonObject> ReadAsync()
    {
        var members = new JsonObject
        {
            ["name"] = "mail-proxy",
            ["bounce_enabled"] = false,
            ["bounce_imap_port"] = 993,
            ["bounce_imap_folder"] = "INBOX",
            ["bounce_imap_ssl"] = true,
            ["bounce_poll_interval"] = 60,
        };
        if (await store.DocumentAsync("", Kind, Id) is not { } kept)
            return members;
        foreach (var (name, value) in (JsonObject)JsonNode.Parse(kept)!)
            members[name] = value?.DeepClone();
        return members;
    }
}
