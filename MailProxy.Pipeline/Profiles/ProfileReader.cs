using System.Text.Json;

namespace MailProxy.Pipeline.Profiles;

/// <summary>A profile as its file says it, before it is laid over another.</summary>
internal sealed record ProfileDraft(string File, string Name)
{
    /// <summary>The profile that this one is laid over; null: it stands alone.</summary>
    public string? Extends { get; init; }

    /// <summary>Rules of that profile that do not hold.</summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    public IReadOnlyList<HostPattern> Hosts { get; init; } = [];
    public bool IsDestination { get; init; }
    public ProviderAdvice? Advice { get; init; }
    public IReadOnlyList<ReplyRule> Rules { get; init; } = [];
}

/// <summary>Reads a profile's file. Pure.</summary>
internal static class ProfileReader
{
    private const int MostHosts = 100;
    private const int MostRules = 500;
    private const int Most = 1_000_000;

    private static readonly JsonDocumentOptions Options = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        AllowDuplicateProperties = false,
        MaxDepth = 8,
    };

    /// <summary>Null when the file is no profile at all; it is good only if no mistake was noted.</summary>
    public static ProfileDraft? Read(ProfileFile file, List<string> mistakes)
    {
        var name = Path.GetFileNameWithoutExtension(file.Name);
        if (name.Length is 0 or > RuleReader.LongestName || !RuleReader.IsName(name))
        {
            mistakes.Add(
                $"{file.Name}: the file's name is the profile's, so it must consist of at most {RuleReader.LongestName} small letters, "
                    + "digits and hyphens, and .json. Rename it."
            );
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(file.Json, Options);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return Read(
                    file.Name,
                    name,
                    file.Shipped,
                    new(document.RootElement, "", (at, what) => mistakes.Add($"{file.Name}{(at.Length > 0 ? $" {at}" : "")}: {what}"))
                );
            }

            mistakes.Add($"{file.Name}: must be an object: {{ \"hosts\": […], \"rules\": […] }}.");
        }
        catch (JsonException error)
        {
            mistakes.Add($"{file.Name}: is no JSON: {error.Message}");
        }

        return null;
    }

    private static ProfileDraft Read(string file, string name, bool shipped, ProfileMembers members)
    {
        var rules = members
            .Objects("rules", MostRules)
            .Select(rule => (Members: rule, Rule: RuleReader.Read(rule, name, shipped)))
            .ToArray();
        foreach (var again in rules.Where(one => one.Rule is not null).GroupBy(one => one.Rule!.Name).SelectMany(same => same.Skip(1)))
            again.Members.Add("name", "is that of an earlier rule of this profile: give each a name of its own.");
        var draft = new ProfileDraft(file, name)
        {
            Extends = members.Text("extends", RuleReader.LongestName),
            Without = members.Several("without", MostRules, Text),
            Hosts = members.Several("hosts", MostHosts, Host),
            IsDestination = members.Flag("destination"),
            Advice = members.Object("advice") is { } advice ? Advice(advice) : null,
            Rules = [.. rules.Select(one => one.Rule).OfType<ReplyRule>()],
        };
        if (draft is { Extends: null, Without.Count: > 0 })
            members.Add("without", "has no meaning without extends: leave it out.");
        if (draft is { Extends: null, Hosts.Count: 0 } && name != ProfileSet.Any && !members.Has("hosts"))
            members.Add("hosts", "is missing: the host names that the profile is for, such as [\"smtp.example.com\", \"*.example.net\"].");
        members.End();
        return draft;
    }

    private static ProviderAdvice Advice(ProfileMembers members)
    {
        var advice = new ProviderAdvice(
            members.Number("connections", 1, 10_000),
            members.Number("messages_per_connection", 1, Most),
            members.Number("per_second", 1, Most),
            members.Number("per_minute", 1, Most),
            members.Number("recipients_per_day", 1, 1_000_000_000),
            members.Number("idle_seconds", 1, 86_400),
            members.Text("note", 500)
        );
        members.End();
        return advice;
    }

    private static (HostPattern Value, string? Mistake) Host(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && HostPattern.Parse(value.GetString()!) is { } pattern
            ? (pattern, null)
            : (null!, "must be a host name in small letters, in which * stands for any characters.");

    private static (string Value, string? Mistake) Text(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? (value.GetString()!, null) : ("", "must be a text: the name of a rule.");
}
