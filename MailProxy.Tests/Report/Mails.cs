using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Report;

/// <summary>Makes the nouns of the Report stage's tests.</summary>
internal static class Mails
{
    public const long Now = 1_700_000_000_000;

    public static readonly AccountKey Account = new(1);

    public static QueuedMail Ticket(long id = 1, int attempt = 0, int recipients = 1, long due = 0) =>
        new(id, 1, Lanes.Of(Account), Priority.Medium, attempt, due, recipients);

    /// <summary>A mail whose slice has this many recipients, r0@x to rN@x.</summary>
    public static MailContent Content(int slice = 1, MailStanding standing = default, AmbiguousPolicy policy = AmbiguousPolicy.Retry) =>
        new()
        {
            Key = new("default", "m1"),
            Account = Account,
            EnvelopeSender = "a@x",
            MessageIdHeader = "<1@x>",
            CreatedAt = Now - 5000,
            OnAmbiguous = policy,
            Json = default,
            Slice = [.. Enumerable.Range(0, slice).Select(ordinal => new SliceRecipient(ordinal, $"r{ordinal}@x"))],
            Standing = standing with { ExpiresAt = Now + 432_000_000 },
        };

    /// <summary>One letter a recipient: A accepted, D deferred, R refused, ? in doubt, - not tried.</summary>
    public static RecipientVerdict[] Verdicts(string letters, TimeSpan? named = null) =>
        [
            .. letters.Select(
                (letter, ordinal) =>
                    letter switch
                    {
                        'A' => new RecipientVerdict(ordinal, $"r{ordinal}@x", Verdict.Accepted, 250, "2.1.5", "ok"),
                        'D' => new RecipientVerdict(ordinal, $"r{ordinal}@x", Verdict.Deferred, 450, "4.2.0", "later", named),
                        'R' => new RecipientVerdict(ordinal, $"r{ordinal}@x", Verdict.Refused, 550, "5.1.1", "no"),
                        '?' => new RecipientVerdict(ordinal, $"r{ordinal}@x", Verdict.InDoubt, null, null, null),
                        '-' => new RecipientVerdict(ordinal, $"r{ordinal}@x", Verdict.NotTried, 452, "4.5.3", "too many"),
                        _ => throw new ArgumentOutOfRangeException(nameof(letters)),
                    }
            ),
        ];

    public static JsonElement Detail(NewEvent told) => JsonDocument.Parse("{" + Encoding.UTF8.GetString(told.Detail!) + "}").RootElement;

    /// <summary>"email=status" of every recipient that an event lists.</summary>
    public static IEnumerable<string> Listed(NewEvent told) =>
        Detail(told)
            .GetProperty("recipients")
            .EnumerateArray()
            .Select(r => r.GetProperty("email").GetString() + "=" + r.GetProperty("status").GetString());
}
