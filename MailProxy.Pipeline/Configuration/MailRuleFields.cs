using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;
using static MailProxy.Pipeline.Configuration.Forms;
using LargeField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.LargeFiles>;
using LimitField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.AccountLimits>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>The rules for mail that accounts, tenants and what comes after them have in common.</summary>
public static class MailRuleFields
{
    /// <summary>The largest limit that can be set.</summary>
    private const int MostPermits = 1_000_000_000;

    private const int LeastExpiry = 60,
        MostExpiry = 365 * 86_400,
        MostLifetimeDays = 3_650;

    private const long MostThreshold = 1L << 40;

    private static readonly Names<LimitCount> Counts = new(("recipients", LimitCount.Recipients), ("messages", LimitCount.Messages));
    private static readonly Names<LimitReached> Reached = new(("wait", LimitReached.Wait), ("fail", LimitReached.Fail));
    private static readonly LargeFiles NoLargeFiles = new(0, default);

    /// <summary>How many in which time, and how evenly.</summary>
    internal static readonly IReadOnlyList<LimitField> Rates =
    [
        Most("per_second", l => l.PerSecond, (l, most) => l with { PerSecond = most }),
        Most("per_minute", l => l.PerMinute, (l, most) => l with { PerMinute = most }),
        Most("per_hour", l => l.PerHour, (l, most) => l with { PerHour = most }),
        Most("per_day", l => l.PerDay, (l, most) => l with { PerDay = most }),
        Most("burst", l => l.Burst, (l, most) => l with { Burst = most }) with
        {
            Says = "How many may go at once after a pause; absent: 10, or a 120th of a limit when that is more.",
        },
        LimitField.Of(
            "paced",
            Flag,
            l => l.Paced ? null : false,
            (l, on) => l with { Paced = on ?? true },
            says: "Whether a minute's, an hour's and a day's limit go evenly over that time; default true."
        ),
    ];

    private static readonly FieldList<AccountLimits> LimitMembers = new(
        "Limits",
        [
            .. Rates,
            Nested.Of(
                "warm_up",
                WarmUpFields.Members,
                WarmUpFields.Empty,
                (AccountLimits l) => l.WarmUp,
                (l, warmUp) => l with { WarmUp = warmUp },
                "So many on each of the first days."
            ),
            LimitField.Of("count", Choice(Counts), l => l.Count, (l, count) => l with { Count = count ?? default }) with
            {
                Always = true,
                Keep = (l, kept) => kept["count_messages"] = l.Count == LimitCount.Messages,
                Read = (l, kept) => Flagged(kept, "count_messages") ? l with { Count = LimitCount.Messages } : l,
            },
            LimitField.Of("when_reached", Choice(Reached), l => l.WhenReached, (l, then) => l with { WhenReached = then ?? default }) with
            {
                Always = true,
                Keep = (l, kept) => kept["fail_when_reached"] = l.WhenReached == LimitReached.Fail,
                Read = (l, kept) => Flagged(kept, "fail_when_reached") ? l with { WhenReached = LimitReached.Fail } : l,
            },
        ]
    )
    {
        Rules = BurstNeedsLimit,
    };

    // Those of an account, which alone sends to somebody.
    private static readonly FieldList<AccountLimits> AccountLimitMembers = new(
        "AccountLimits",
        [.. LimitMembers.Fields, DestinationFields.Field]
    )
    {
        Rules = BurstNeedsLimit,
    };

    private static readonly FieldList<LargeFiles> LargeFileMembers = new(
        "LargeFiles",
        [
            LargeField.Of(
                "threshold",
                Bytes(MostThreshold),
                l => l.Threshold,
                (l, bytes) => l with { Threshold = bytes ?? 0 },
                required: true,
                says: "Bytes; what is larger is large."
            ) with
            {
                Always = true,
            },
            LargeField.Of(
                "action",
                Choice(LargeFileActions.Names),
                l => l.Action,
                (l, action) => l with { Action = action ?? default },
                required: true
            ) with
            {
                Always = true,
            },
            LargeField.Of(
                "volume",
                ObjectId,
                l => l.Volume,
                (l, volume) => l with { Volume = volume },
                says: "Where linked files are put; required with `link`."
            ),
            LargeField.Of(
                "lifetime_days",
                Whole(1, MostLifetimeDays),
                l => l.LifetimeDays,
                (l, days) => l with { LifetimeDays = days ?? LargeFiles.DefaultLifetimeDays },
                says: "Days that a link lives; default 30."
            ) with
            {
                Always = true,
            },
            LargeField.Of(
                "public_url",
                Text(2_048).Checked("invalid_url", static url => HttpAddress.Read(url!).Fault),
                l => l.PublicUrl,
                (l, url) => l with { PublicUrl = url },
                says: "Where somebody else serves the volume's files: a link is this and the file's path. Absent: by this daemon, or S3."
            ),
        ]
    )
    {
        Rules = (members, large, _) =>
        {
            if (large is { Action: LargeFileAction.Link, Volume: null })
                members.Fault("volume", "required", "A link needs the volume where the files are put.");
            return large;
        },
    };

    public static Field<T> Limits<T>(
        Func<T, AccountLimits> get,
        Func<T, AccountLimits, T> set,
        string? says = null,
        bool ofAccount = false
    ) =>
        Nested.Of<T, AccountLimits>(
            "limits",
            ofAccount ? AccountLimitMembers : LimitMembers,
            AccountLimits.None,
            value => get(value) is var limits && limits == AccountLimits.None ? null : limits,
            (value, limits) => set(value, limits ?? AccountLimits.None),
            says
        );

    public static Field<T> LargeFilesRule<T>(Func<T, LargeFiles?> get, Func<T, LargeFiles?, T> set, string? says = null) =>
        Nested.Of("large_files", LargeFileMembers, NoLargeFiles, get, set, says);

    /// <summary>When mail expires that says nothing else.</summary>
    public static Field<T> ExpiresAfter<T>(Func<T, TimeSpan?> get, Func<T, TimeSpan?, T> set, string says) =>
        Field<T>.Of(
            "expires_after",
            Whole(LeastExpiry, MostExpiry),
            value => (int?)get(value)?.TotalSeconds,
            (value, seconds) => set(value, seconds is { } given ? TimeSpan.FromSeconds(given) : null),
            says: says,
            stored: "expires_after_seconds"
        ) with
        {
            AnswerShape = Shape.Whole(format: "int64"),
        };

    public static Field<T> Retry<T>(Func<T, RetrySchedule?> get, Func<T, RetrySchedule?, T> set, string says) =>
        Field<T>.Of(
            "retry_minutes",
            Numbers(RetrySchedule.MostSteps, RetrySchedule.Least, RetrySchedule.Most),
            value => get(value)?.Minutes,
            (value, minutes) => set(value, minutes is { Count: > 0 } ? new(minutes) : null),
            says: says
        );

    internal static AccountLimits BurstNeedsLimit(MemberReader members, AccountLimits limits, AccountLimits? before)
    {
        if (limits is { Burst: not null, PerSecond: null } && (limits.IsUnlimited || !limits.Paced))
            members.Fault("burst", "needs_limit", "Only together with per_second, or a limit that is paced.");
        return limits;
    }

    private static LimitField Most(string name, Func<AccountLimits, int?> get, Func<AccountLimits, int?, AccountLimits> set) =>
        LimitField.Of(name, Whole(1, MostPermits), get, set);

    private static bool Flagged(JsonElement kept, string name) => kept.TryGetProperty(name, out var flag) && flag.GetBoolean();
}
