using System.Diagnostics;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// One page of a list, limited by the number of messages, by their size, and by how many messages were read that did not match.
/// </summary>
internal static class MessagePages
{
    /// <summary>Messages looked at for one page; takes some tens of milliseconds.</summary>
    internal const int Scanned = 20_000;

    // On a slow disk fewer are looked at. Milliseconds, asked about every so many messages.
    private const int Longest = 50;
    private const int AskEvery = 256;

    /// <summary>
    /// Characters of one page, which become some megabytes of answer, because a message may have thousands of recipients, each with a
    /// reply.
    /// </summary>
    internal const int Weight = 2_000_000;

    public static MessagePage Read(Session session, Claims claims, MessageFilter filter, int limit, long? before, int scanned = Scanned)
    {
        if (filter.MatchesNothing)
            return new([], null);
        filter = WithIds(session, filter);
        var (numbers, next, looked) = Numbers(session, claims, filter, limit, before ?? long.MaxValue, scanned);
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

        return new(views, next) { Scanned = looked };
    }

    /// <summary>Counts those of the next messages that match.</summary>
    public static MessageCount Count(Session session, Claims claims, MessageFilter filter, long before)
    {
        var counts = new Dictionary<MessageState, long>();
        if (filter.MatchesNothing)
            return new(counts, null);
        var begun = claims.Begun(session);
        var sending = begun.Select(static ticket => ticket.Message).ToHashSet();
        var sql = new MessageListSql(WithIds(session, filter), begun, before, Scanned);
        using var row = session.Open(sql.Text, sql.Values);
        var (last, seen, askEvery) = (before, 0, AskEveryOf(filter));
        for (var since = Stopwatch.GetTimestamp(); row.Step(); seen++)
        {
            if (seen > 0 && seen % askEvery == 0 && Stopwatch.GetElapsedTime(since).TotalMilliseconds > Longest)
                return new(counts, last);
            var number = row.Long(0);
            if (number != last && !row.IsNull(1) && row.Long(1) != 0)
            {
                var state = (MessageState)row.Int(2);
                state = !state.IsFinal() && sending.Contains(number) ? MessageState.Sending : state;
                counts[state] = counts.GetValueOrDefault(state) + 1;
            }

            last = number;
        }

        return new(counts, seen < Scanned ? null : last);
    }

    // A condition of a search may look at thousands of recipients for one message.
    private static int AskEveryOf(MessageFilter filter) => filter.Terms.Count > 0 ? 1 : AskEvery;

    // A word that is the id of a message means that message, and is not looked for in the subjects of all.
    private static MessageFilter WithIds(Session session, MessageFilter filter)
    {
        if (!filter.Terms.Any(static term => term is MessageTerm.Word))
            return filter;
        return filter with { Terms = [.. filter.Terms.Select(IdOrWord)] };

        MessageTerm IdOrWord(MessageTerm term) =>
            term is MessageTerm.Word { Not: false, Text: var text }
            && !NumberSources.IsAddress(text)
            && MessageViews.IsKnown(session, filter.Tenant, text)
                ? new MessageTerm.Id(text)
                : term;
    }

    // Looked: at how many, when the page ends before it is full and before the list does.
    private static (List<long> Numbers, long? Next, int? Looked) Numbers(
        Session session,
        Claims claims,
        MessageFilter filter,
        int limit,
        long before,
        int scanned
    )
    {
        var sql = new MessageListSql(filter, claims.Begun(session), before, scanned);
        using var row = session.Open(sql.Text, sql.Values);
        var numbers = new List<long>();
        var (last, seen, askEvery) = (before, 0, AskEveryOf(filter));
        var begun = Stopwatch.GetTimestamp();
        for (; row.Step(); seen++)
        {
            // Never before the first row, so that each page comes further.
            if (seen > 0 && seen % askEvery == 0 && Stopwatch.GetElapsedTime(begun).TotalMilliseconds > Longest)
                return (numbers, last, seen);
            // A message whose recipients differ only in case has one row for each of them, but appears once.
            var number = row.Long(0);
            if (number == last || row.IsNull(1) || row.Long(1) == 0)
            {
                last = number;
                continue;
            }

            if (numbers.Count == limit)
                return (numbers, numbers[^1], null);
            numbers.Add(last = number);
        }

        return seen < scanned ? (numbers, null, null) : (numbers, last, seen);
    }

    private static int Weigh(MessageView view)
    {
        var weight = 500 + (view.Subject?.Length ?? 0) + (view.Tags?.Length ?? 0) + (view.Metadata?.Length ?? 0);
        foreach (var recipient in view.Recipients)
            weight += 100 + recipient.Address.Length + (recipient.Reply?.Length ?? 0);
        return weight;
    }
}
