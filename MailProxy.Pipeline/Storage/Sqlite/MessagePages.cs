using MailProxy.Pipeline.Storage.Sqlite.Flight;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>
/// One page of a list, limited by the number of messages, by their size, and by how many messages were read that did not match.
/// </summary>
internal static class MessagePages
{
    /// <summary>Messages read for one page; takes some tens of milliseconds.</summary>
    internal const int Scanned = 20_000;

    /// <summary>
    /// Characters of one page, which become some megabytes of answer, because a message may have thousands of recipients, each with a
    /// reply.
    /// </summary>
    internal const int Weight = 2_000_000;

    public static MessagePage Read(Session session, Claims claims, MessageFilter filter, int limit, long? before, int scanned = Scanned)
    {
        var (numbers, next) = Numbers(session, claims, filter, limit, before ?? long.MaxValue, scanned);
        var views = new List<MessageView>(numbers.Count);
        var weight = 0;
        foreach (var number in numbers)
        {
            if (weight >= Weight)
                return new(views, views[^1].Number);
            if (MessageViews.View(session, claims, number) is not { } view)
                continue;
            views.Add(view);
            weight += Weigh(view);
        }

        return new(views, next);
    }

    private static (List<long> Numbers, long? Next) Numbers(
        Session session,
        Claims claims,
        MessageFilter filter,
        int limit,
        long before,
        int scanned
    )
    {
        var sql = new MessageListSql(filter, claims.Begun(), before, scanned);
        using var row = session.Open(sql.Text, sql.Values);
        var numbers = new List<long>();
        var (last, seen) = (before, 0);
        for (; row.Step(); seen++)
        {
            // A message whose recipients differ only in case has one row for each of them, but appears once.
            var number = row.Long(0);
            if (number == last || row.IsNull(1) || row.Long(1) == 0)
            {
                last = number;
                continue;
            }

            if (numbers.Count == limit)
                return (numbers, numbers[^1]);
            numbers.Add(last = number);
        }

        return (numbers, seen < scanned ? null : last);
    }

    private static int Weigh(MessageView view)
    {
        var weight = 500 + (view.Subject?.Length ?? 0) + (view.Tags?.Length ?? 0) + (view.Metadata?.Length ?? 0);
        foreach (var recipient in view.Recipients)
            weight += 100 + recipient.Address.Length + (recipient.Reply?.Length ?? 0);
        return weight;
    }
}
