using System.Text.Json;

namespace MailProxy.Pipeline.Profiles;

/// <summary>Reads one rule of a profile, and says of each mistake what to write instead. Pure.</summary>
internal static class RuleReader
{
    public const int LongestName = 60;
    private const int LongestRemedy = 500;

    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);
    private static readonly TimeSpan LongestEffect = TimeSpan.FromDays(30);

    private static readonly Dictionary<RuleScope, RuleAction[]> Actions = new()
    {
        [RuleScope.Recipient] = [RuleAction.Retry, RuleAction.Fail, RuleAction.NextTransaction, RuleAction.Hint],
        [RuleScope.Message] = [RuleAction.Retry, RuleAction.Fail, RuleAction.Hint],
        [RuleScope.Sender] = [RuleAction.Exclude, RuleAction.Hint],
        [RuleScope.Destination] = [RuleAction.Slow, RuleAction.Close, RuleAction.OneDestination, RuleAction.Hint],
        [RuleScope.Account] = [RuleAction.Slow, RuleAction.Close, RuleAction.Open, RuleAction.Reconnect, RuleAction.Hint],
        [RuleScope.ProviderTenant] = [RuleAction.Close, RuleAction.Open, RuleAction.Hint],
    };

    // What an action can be given beside remedy, alarm, times and within.
    private static readonly Dictionary<RuleAction, string[]> Settings = new()
    {
        [RuleAction.Retry] = ["wait", "same_account"],
        [RuleAction.Fail] = [],
        [RuleAction.Exclude] = ["for"],
        [RuleAction.Slow] =
        [
            "wait",
            "for",
            "rate_factor",
            "per_minute",
            "connections",
            "fewer_connections",
            "messages_per_connection",
            "learn_messages",
        ],
        [RuleAction.Close] = ["wait", "for"],
        [RuleAction.Open] = ["wait", "circuit", "refresh_token"],
        [RuleAction.Reconnect] = ["learn_messages"],
        [RuleAction.NextTransaction] = [],
        [RuleAction.OneDestination] = ["for"],
        [RuleAction.Hint] = [],
    };

    private static readonly string[] AllSettings = [.. Settings.Values.SelectMany(static names => names).Distinct()];

    /// <summary>The rule, which is good only if no mistake was noted.</summary>
    public static ReplyRule? Read(ProfileMembers members, string profile, bool shipped)
    {
        var name = members.Text("name", LongestName, required: true);
        if (name is not null && !IsName(name))
            members.Add("name", "must consist of small letters, digits and hyphens.");
        var (scope, action) = (members.Named("scope", RuleTerms.Scopes, true), members.Named("action", RuleTerms.Actions, true));
        var rule = new ReplyRule
        {
            Profile = profile,
            Name = name ?? "",
            FullName = $"{profile}/{name}",
            Codes = members.Several("code", 20, Code),
            Enhanced = members.Several("enhanced", 20, Enhanced),
            Text = Pattern(members, shipped),
            Phases = members.Several("phase", 8, Phase),
            Scope = scope ?? default,
            Action = action ?? default,
            Waits = members.Times("wait", LongestWait),
            Lasts = members.Time("for", LongestEffect),
            Times = members.Number("times", 2, 100) ?? 1,
            Within = members.Time("within", LongestWait) ?? default,
            RateFactor = members.Share("rate_factor", 0.01, 0.99),
            PerMinute = members.Number("per_minute", 1, 100_000),
            Connections = members.Number("connections", 1, 1_000),
            FewerConnections = members.Number("fewer_connections", 1, 100),
            MessagesPerConnection = members.Number("messages_per_connection", 1, 10_000),
            LearnMessages = members.Flag("learn_messages"),
            SameAccount = members.Flag("same_account"),
            RefreshToken = members.Flag("refresh_token"),
            Circuit = members.Named("circuit", RuleTerms.Circuits),
            Remedy = members.Text("remedy", LongestRemedy),
            Alarm = members.Flag("alarm"),
        };
        CheckReply(members);
        if (scope is { } about && action is { } asked)
            CheckAction(members, about, asked);
        CheckTimes(members, scope);
        members.End();
        return name is null ? null : rule;
    }

    public static bool IsName(string name) => name.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');

    private static void CheckReply(ProfileMembers members)
    {
        if (!members.Has("code"))
            members.Add("code", "is missing: a reply code (451), a class (\"4xx\"), or a list of them.");
        if (!members.Has("enhanced") && !members.Has("text"))
            members.Add("", "needs enhanced or text, or both: a bare reply code never decides.");
    }

    private static void CheckAction(ProfileMembers members, RuleScope scope, RuleAction action)
    {
        var name = RuleTerms.Actions.Of(action);
        if (!Actions[scope].Contains(action))
        {
            var possible = string.Join(", ", Actions[scope].Select(RuleTerms.Actions.Of));
            members.Add("action", $"cannot be {name} with scope {RuleTerms.Scopes.Of(scope)}: use one of {possible}.");
            return;
        }

        foreach (var setting in AllSettings.Except(Settings[action]).Where(members.Has))
            members.Add(setting, $"has no meaning with action {name}: leave it out.");
        if (action == RuleAction.Slow && !Settings[action].Skip(2).Any(members.Has))
            members.Add("", $"says slow but not how: add one of {string.Join(", ", Settings[action].Skip(2))}.");
        if (action == RuleAction.Close && !members.Has("for"))
            members.Add("for", "is missing: how long it stays closed at most.");
        if (action == RuleAction.Open && !members.Has("circuit"))
            members.Add("circuit", $"is missing: one of {RuleTerms.Circuits.Listed}.");
        if (action is RuleAction.Open or RuleAction.Hint && !members.Has("remedy"))
            members.Add("remedy", "is missing: a person must act, so say how.");
    }

    private static void CheckTimes(ProfileMembers members, RuleScope? scope)
    {
        var (times, within) = (members.Has("times"), members.Has("within"));
        if (times != within)
            members.Add(times ? "within" : "times", "is missing: times and within belong together.");
        else if (times && scope is RuleScope.Recipient or RuleScope.Message)
            members.Add("times", $"has no meaning with scope {RuleTerms.Scopes.Of(scope.Value)}: leave it and within out.");
    }

    private static ((int From, int To) Value, string? Mistake) Code(JsonElement value)
    {
        const string form = "must be a number from 400 to 599, or \"4xx\" or \"5xx\".";
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var code) && code is >= 400 and <= 599)
            return ((code, code), null);
        return value.ValueKind == JsonValueKind.String && value.GetString() is ['4' or '5', 'x', 'x'] range
            ? ((100 * (range[0] - '0'), 100 * (range[0] - '0') + 99), null)
            : (default, form);
    }

    private static (EnhancedPattern Value, string? Mistake) Enhanced(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && EnhancedPattern.Parse(value.GetString()!) is { } pattern
            ? (pattern, null)
            : (null!, "must be an enhanced code: \"5.7.1\", or with * at its end, \"5.7.*\".");

    private static (ReplyPhase Value, string? Mistake) Phase(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && RuleTerms.Phases.Find(value.GetString()) is { } phase
            ? (phase, null)
            : (default, $"must be one of {RuleTerms.Phases.Listed}.");

    private static TextPattern? Pattern(ProfileMembers members, bool shipped)
    {
        if (members.Text("text", TextPattern.Longest) is not { } source)
            return null;
        if (shipped)
            return TextPattern.Trusted(source);
        var (pattern, mistake) = TextPattern.Parse(source);
        if (mistake is not null)
            members.Add("text", mistake);
        return pattern;
    }
}
