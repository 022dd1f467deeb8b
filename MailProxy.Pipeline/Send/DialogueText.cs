using System.Globalization;
using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>Makes the lines of a dialogue out of a transcript, within a number of octets. Pure.</summary>
internal static class DialogueText
{
    // What a line costs beside its text when it is kept as JSON.
    private const int LineCost = 24;

    /// <param name="last">The end of the attempt, with all that came before it.</param>
    /// <param name="until">When the attempt ended, by the clock's timestamps.</param>
    /// <param name="conceal">Says what stands for a text that has something which is not shown.</param>
    /// <returns>The lines, how many were left out, and how long the attempt took until <paramref name="until"/>.</returns>
    public static (IReadOnlyList<DialogueLine> Lines, int LeftOut, TimeSpan Took) Of(
        Transcript last,
        PhaseClock clock,
        long until,
        int mostOctets,
        Func<string, string> conceal
    )
    {
        var parts = new Stack<Transcript>();
        for (var part = last; part is not null; part = part.Before)
            parts.Push(part);
        var head = new List<(long At, string Line)>();
        var tail = new List<(long At, string Line)>();
        var dropped = 0;
        foreach (var part in parts)
        {
            // Behind the first gap everything belongs to the end.
            var into = dropped == 0 ? head : tail;
            Add(part, part.Head, into);
            dropped += part.LeftOut;
            Add(part, part.Tail, tail);
        }

        var began = head.Count > 0 ? head[0].At : until;
        var (first, from) = Room(head, tail, mostOctets);
        var kept = head.Concat(tail).ToList();
        var lines = new List<DialogueLine>();
        for (var i = 0; i < kept.Count; i++)
        {
            if (i < first || i >= from)
                lines.Add(new((long)clock.Between(began, kept[i].At).TotalMilliseconds, Concealed(kept[i].Line, conceal)));
        }

        return (lines, dropped + kept.Count - lines.Count, clock.Between(began, until));
    }

    // Who spoke stays.
    private static string Concealed(string line, Func<string, string> conceal) => line[..3] + conceal(line[3..]);

    /// <summary>How many lines of the beginning are kept, and from which on those of the end: a third of the room is the
    /// beginning's.</summary>
    private static (int First, int From) Room(List<(long At, string Line)> head, List<(long At, string Line)> tail, int most)
    {
        int[] costs = [.. head.Concat(tail).Select(static one => CostOf(one.Line))];
        if (costs.Sum(static cost => (long)cost) <= most)
            return (costs.Length, costs.Length);
        var (first, used) = (0, 0);
        while (first < costs.Length && used + costs[first] <= most / 3)
            used += costs[first++];
        var from = costs.Length;
        while (from > first && used + costs[from - 1] <= most)
            used += costs[--from];
        return (first, from);
    }

    private static int CostOf(string line) =>
        LineCost + Encoding.UTF8.GetByteCount(line) + line.AsSpan().Count('"') + line.AsSpan().Count('\\');

    private static void Add(Transcript part, IEnumerable<TranscriptEntry> entries, List<(long, string)> into)
    {
        foreach (var entry in entries)
        {
            if (entry is { Kind: Spoken.Lines, What: IReadOnlyList<string> lines })
                into.AddRange(lines.Select(line => (entry.At, $"S: {line}")));
            else
                into.Add((entry.At, TextOf(entry, part.Offers)));
        }
    }

    private static string TextOf(TranscriptEntry entry, SmtpOffers offers) =>
        entry switch
        {
            { Kind: Spoken.Reply, What: SmtpReply reply } => $"S: {reply.Code} {reply.Text}",
            { Kind: Spoken.Mail, What: Outgoing mail } => Ours(MailCommand(mail, offers)),
            { Kind: Spoken.Recipient, What: string address } => Ours($"RCPT TO:<{address}>"),
            { Kind: Spoken.Body } => Ours(Octets(entry.Octets)),
            { Kind: Spoken.Chunk } => Ours($"BDAT {entry.Octets} LAST {Octets(entry.Octets)}"),
            { Kind: Spoken.Note, What: string text } => $"*: {SmtpReply.OneLine(text)}",
            _ => Ours((string)entry.What!),
        };

    private static string Ours(string command) => $"C: {SmtpReply.OneLine(command)}";

    private static string Octets(long count) => string.Create(CultureInfo.InvariantCulture, $"({count} octets)");

    private static string MailCommand(Outgoing mail, SmtpOffers offers)
    {
        var commands = new SmtpCommands(offers);
        commands.PutMail(mail);
        return Encoding.UTF8.GetString(commands.Written.Span).TrimEnd();
    }
}
