using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>A command and its reply, on one stream. What the server sends of its own accord is never taken for an answer, except a
/// 421.</summary>
/// <param name="transcript">Takes down what is said; null: nobody does, yet.</param>
internal sealed class SmtpDialogue(Stream stream, PhaseClock clock, Transcript? transcript = null)
{
    // One for each mail that is under way.
    private readonly Stack<Transcript> _spare = new();

    public ReplyReader Replies { get; } = new(stream) { Transcript = transcript };

    /// <summary>Takes down what is said from now on; null: nobody does.</summary>
    public Transcript? Transcript
    {
        get => Replies.Transcript;
        set => Replies.Transcript = value;
    }

    public Stream Stream => stream;

    /// <summary>A transcript for one more mail.</summary>
    public Transcript NewTranscript(SmtpOffers offers)
    {
        if (!_spare.TryPop(out var mine))
            mine = new(clock);
        mine.Offers = offers;
        return mine;
    }

    /// <summary>Takes back that of a mail that was simply sent.</summary>
    public void Drop(Transcript mine)
    {
        mine.Clear();
        _spare.Push(mine);
    }

    public ValueTask<SmtpReply> AskAsync(string command, List<string>? lines = null)
    {
        if (!Replies.HasLeftovers)
            Transcript?.Command(command);
        return AskAsync(Encoding.UTF8.GetBytes(command + "\r\n"), lines);
    }

    /// <summary>Writes, and reads the reply.</summary>
    public async ValueTask<SmtpReply> AskAsync(ReadOnlyMemory<byte> command, List<string>? lines = null)
    {
        if (Replies.HasLeftovers)
            return await UnaskedAsync();
        return await WriteAsync(command) ?? await Replies.ReadAsync(clock.Token, lines);
    }

    /// <summary>Writes. When the server is gone it may have said why: then that refusal is returned, else null.</summary>
    public async ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> octets)
    {
        try
        {
            await stream.WriteAsync(octets, clock.Token);
            return null;
        }
        catch (IOException)
        {
            if (await LastWordsAsync() is { Refuses: true } refusal)
                return refusal;
            throw;
        }
    }

    /// <summary>What the server said before it was asked: its farewell (RFC 5321 section 3.8 allows a 421 at any time), or else nobody
    /// knows what its next reply is the reply to.</summary>
    public async ValueTask<SmtpReply> UnaskedAsync()
    {
        var reply = await Replies.ReadAsync(clock.Token);
        if (reply.Code == 421)
            return reply;
        throw new SmtpGarbageException($"The server said more than it was asked: {reply.Code} {reply.Text}");
    }

    // The write failed, so the other side is closed: what it sent has come, or never will.
    private async ValueTask<SmtpReply?> LastWordsAsync()
    {
        try
        {
            return await Replies.ReadAsync(clock.Token);
        }
        catch (IOException)
        {
            // It went without a word; the failed write tells.
            return null;
        }
    }
}
