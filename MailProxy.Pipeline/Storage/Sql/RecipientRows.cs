using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Reads the recipients of one message.</summary>
internal static class RecipientRows
{
    private const string Results =
        "SELECT address, state, smtp_code, enhanced_code, reply, rule FROM recipients WHERE message = ?1 ORDER BY ordinal";
    private const string Turns =
        "SELECT address, state, smtp_code, enhanced_code, reply, rule FROM recipients WHERE message = ?1 AND rounds > ?2 ORDER BY ordinal";

    /// <summary>The recipients of a message, as <see cref="Stored"/> reads them.</summary>
    public const string Rounds = "SELECT ordinal, address, state, rounds FROM recipients WHERE message = ?1 ORDER BY ordinal";

    public static List<RecipientView> Read(Session session, long message) => Views(session.Prepare(Results).Add(message));

    /// <summary>Recipients that were already tried in this round.</summary>
    public static List<RecipientView> OfRound(Session session, long message, int round) =>
        Views(session.Prepare(Turns).Add(message).Add(round));

    private static List<RecipientView> Views(Statement row)
    {
        var recipients = new List<RecipientView>();
        while (row.Step())
        {
            recipients.Add(
                new(row.Text(0), (RecipientState)row.Int(1), row.IntOrNull(2), row.TextOrNull(3), row.TextOrNull(4))
                {
                    Rule = row.TextOrNull(5),
                }
            );
        }

        return recipients;
    }

    public static StoredRecipient Stored(Statement row) => new(row.Int(0), row.Text(1), (RecipientState)row.Int(2), row.Int(3));

    public static List<StoredRecipient> OfMessage(Session session, long message)
    {
        var recipients = new List<StoredRecipient>();
        var row = session.Prepare(Rounds).Add(message);
        while (row.Step())
            recipients.Add(Stored(row));
        return recipients;
    }

    /// <summary>The first <paramref name="limit"/> recipients that are still to be tried in this round, and the states of the others added
    /// to <paramref name="standing"/>.</summary>
    public static (List<SliceRecipient> Slice, MailStanding Others) Slice(
        IReadOnlyList<StoredRecipient> recipients,
        MailStanding standing,
        int limit
    )
    {
        var slice = new List<SliceRecipient>();
        var others = standing;
        foreach (var (ordinal, address, state, rounds) in recipients)
        {
            var wants = !state.IsFinal() && rounds <= standing.Round;
            if (wants && slice.Count < limit)
            {
                slice.Add(new(ordinal, address));
                continue;
            }

            others = state switch
            {
                _ when wants => others with { Rest = others.Rest + 1 },
                RecipientState.Sent => others with { Sent = others.Sent + 1 },
                RecipientState.Suppressed => others, // the state of the message is decided by the rest
                RecipientState.Ambiguous => others with { Ambiguous = others.Ambiguous + 1 },
                _ when state.IsFinal() => others with { Failed = others.Failed + 1 },
                _ => others with { Deferred = others.Deferred + 1 },
            };
        }

        return (slice, others);
    }
}

/// <param name="Rounds">In how many rounds it was tried.</param>
internal readonly record struct StoredRecipient(int Ordinal, string Address, RecipientState State, int Rounds);
