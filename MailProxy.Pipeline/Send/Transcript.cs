namespace MailProxy.Pipeline.Send;

/// <summary>What an entry of a transcript is.</summary>
internal enum Spoken : byte
{
    /// <summary>Ours: a whole command, as text.</summary>
    Command,

    /// <summary>Ours: MAIL for an <see cref="Outgoing"/>.</summary>
    Mail,

    /// <summary>Ours: RCPT for an address.</summary>
    Recipient,

    /// <summary>Ours: so many octets of a body.</summary>
    Body,

    /// <summary>Ours: BDAT with so many octets of a body.</summary>
    Chunk,

    /// <summary>The server's: a reply of one line.</summary>
    Reply,

    /// <summary>The server's: the lines of a reply.</summary>
    Lines,

    /// <summary>Neither's: what happened.</summary>
    Note,
}

/// <param name="At">By the clock's timestamps.</param>
internal readonly record struct TranscriptEntry(long At, Spoken Kind, object? What, long Octets = 0);

/// <summary>
/// What both sides say of one mail, or while a connection is opened, in its order. Entries point at what is there anyway, and text is made
/// of them only when they are kept, so that a mail that is simply sent pays next to nothing. While we log in nothing is noted that could be
/// a credential. Bounded: of many entries the first and the last.
/// </summary>
internal sealed class Transcript(PhaseClock clock)
{
    public const string Redacted = "(redacted)";

    // What is shorter stands in many words that have nothing to do with it.
    private const int ShortestSecret = 4;

    // By so much a longer one is known: a reply is cut, and may have its beginning only.
    private const int KnownBy = 24;

    private const int First = 32,
        Most = 256;

    private TranscriptEntry[] _entries = new TranscriptEntry[16];
    private List<string>? _secrets;
    private int _count;

    /// <summary>What was said before it in the same attempt: while the connection was opened, or over another one.</summary>
    public Transcript? Before { get; private set; }

    /// <summary>What the server offered, which shapes our commands.</summary>
    public SmtpOffers Offers { get; set; } = SmtpOffers.None;

    /// <summary>Entries in the middle that were dropped.</summary>
    public int LeftOut => Math.Max(0, _count - Most);

    public IEnumerable<TranscriptEntry> Head => _entries.Take(Math.Min(_count, LeftOut > 0 ? First : Most));

    /// <summary>Those behind what was dropped.</summary>
    public IEnumerable<TranscriptEntry> Tail =>
        LeftOut == 0 ? [] : Enumerable.Range(_count - (Most - First), Most - First).Select(i => _entries[PlaceOf(i)]);

    public void Command(string command)
    {
        if (clock.Phase != SmtpPhase.Authenticate)
        {
            Add(Spoken.Command, command);
            return;
        }

        var words = command.Split(' ');
        var named = words[0] == "AUTH" ? Math.Min(2, words.Length) : 0;
        foreach (var word in words[named..])
            Hide(word);
        Add(
            Spoken.Command,
            words.Length == named ? command
                : named == 0 ? Redacted
                : $"AUTH {words[1]} {Redacted}"
        );
    }

    public void Mail(Outgoing mail) => Add(Spoken.Mail, mail);

    public void Recipient(string address) => Add(Spoken.Recipient, address);

    public void Body(int octets)
    {
        if (_count > 0 && _entries[PlaceOf(_count - 1)] is { Kind: Spoken.Body } last)
            _entries[PlaceOf(_count - 1)] = last with { Octets = last.Octets + octets };
        else
            Add(Spoken.Body, null, octets);
    }

    public void Chunk(int octets) => Add(Spoken.Chunk, null, octets);

    public void Note(string text) => Add(Spoken.Note, text);

    /// <param name="lines">Its lines, codes included, when it has several.</param>
    public void Reply(SmtpReply reply, IReadOnlyList<string>? lines)
    {
        if (clock.Phase == SmtpPhase.Authenticate)
            Add(Spoken.Lines, (string[])[reply.Code == 334 ? $"334 {Redacted}" : $"{reply.Code} {Conceal(reply.Text)}"]);
        else if (lines is null)
            Add(Spoken.Reply, reply);
        else
            Add(Spoken.Lines, lines);
    }

    /// <summary>Is not shown, whoever says it.</summary>
    public void Hide(string secret)
    {
        if (secret.Length >= ShortestSecret)
            (_secrets ??= []).Add(secret[..Math.Min(KnownBy, secret.Length)]);
    }

    /// <summary>The text, or what stands for it when it has something that is not shown.</summary>
    public string Conceal(string text) =>
        _secrets?.Exists(secret => text.Contains(secret, StringComparison.Ordinal)) is true ? Redacted
        : Before is { } before ? before.Conceal(text)
        : text;

    /// <summary>This is the rest of the same attempt.</summary>
    public void Follow(Transcript? before)
    {
        if (before is null)
            return;
        var first = this;
        while (first.Before is { } earlier)
            first = earlier;
        first.Before = before;
    }

    /// <summary>As new.</summary>
    public void Clear()
    {
        Array.Clear(_entries, 0, Math.Min(_count, _entries.Length));
        (_count, Before) = (0, null);
    }

    private void Add(Spoken kind, object? what, long octets = 0)
    {
        if (_count == _entries.Length && _entries.Length < Most)
            Array.Resize(ref _entries, _entries.Length * 2);
        _entries[PlaceOf(_count++)] = new(clock.Timestamp, kind, what, octets);
    }

    private static int PlaceOf(int index) => index < Most ? index : First + ((index - First) % (Most - First));
}
