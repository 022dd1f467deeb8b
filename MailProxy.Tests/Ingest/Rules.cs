using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Ingest;

/// <summary>A small installation to judge drafts in: at noon on New Year's Day 2030.</summary>
internal static class Rules
{
    public const long Now = 1_893_499_200_000;

    public static readonly Guid NextId = Guid.Parse("01944aaa-0000-7000-8000-000000000001");

    public static SmtpAccount Account(
        int number,
        string id,
        string tenant = "default",
        bool sandbox = false,
        params string[] fromAllowed
    ) =>
        new()
        {
            Key = new(number),
            Tenant = tenant,
            Id = id,
            Version = 1,
            Host = sandbox ? null : "mx.example",
            Port = 25,
            Sandbox = sandbox,
            FromAllowed = fromAllowed,
        };

    public static SubmissionRules With(params SmtpAccount[] accounts) => With(new IngestOptions(), accounts);

    public static SubmissionRules With(IngestOptions options, params SmtpAccount[] accounts) => With(options, "X-Mail-Key", accounts);

    public static SubmissionRules With(IngestOptions options, string mailKeyHeader, params SmtpAccount[] accounts) =>
        With(options, mailKeyHeader, null, accounts);

    public static SubmissionRules With(IngestOptions options, string mailKeyHeader, TenantDirectory? tenants, params SmtpAccount[] accounts)
    {
        var current = new CurrentAccounts();
        current.Swap(new(accounts, null, tenants));
        var volumes = new CurrentVolumes();
        volumes.Swap(
            new([
                new()
                {
                    Tenant = "default",
                    Id = "docs",
                    Config = new VolumeConfig.Local("/srv/docs"),
                },
            ])
        );
        return new(current, new(volumes, static tenant => tenant == "default", ["/srv/mail"], 1_000_000), options, mailKeyHeader);
    }

    /// <summary>An installation that recipients reach at this address.</summary>
    public static SubmissionRules At(string? publicUrl)
    {
        var current = new CurrentAccounts();
        current.Swap(new([Account(1, "main")], null, null));
        UnsubscribeLinks links = new(new byte[32], publicUrl is null ? null : new(publicUrl), static _ => 1);
        return new(current, new(new(), static _ => false, [], 1_000_000), new(), "X-Mail-Key", links);
    }

    public static AcceptedLine Judge(string json, SubmissionRules? rules = null) =>
        (rules ?? With(Account(1, "main"))).Judge("default", DraftBinder.BindOne(Encoding.UTF8.GetBytes(json)), Now, () => NextId);

    /// <summary>A good message with these members more, or instead.</summary>
    public static AcceptedLine JudgeWith(string members, SubmissionRules? rules = null) => Judge(Message(members), rules);

    public static string Message(string members)
    {
        var given = members.Length == 0 ? "" : "," + members;
        string[] usual = ["\"from\":\"ann@x.example\"", "\"to\":\"bob@y.example\"", "\"text\":\"Hello\""];
        return $"{{{string.Join(',', usual.Where(u => !given.Contains("," + u.Split(':')[0] + ":", StringComparison.Ordinal)))}{given}}}";
    }

    public static (string Pointer, string Code)[] Errors(this AcceptedLine line) =>
        [.. (line.Problem?.Errors ?? []).Select(e => (e.Pointer, e.Code))];
}
