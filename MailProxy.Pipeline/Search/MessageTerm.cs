using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Search;

/// <summary>One condition of a search for messages. All of a search hold together.</summary>
public abstract record MessageTerm
{
    /// <summary>Messages for which the condition does not hold.</summary>
    public bool Not { get; init; }

    /// <summary>The message's own id.</summary>
    public sealed record Id(string Value) : MessageTerm;

    /// <summary>Its Message-ID header, with the angle brackets.</summary>
    public sealed record MessageId(string Header) : MessageTerm;

    /// <summary>One of its recipients.</summary>
    public sealed record Recipient(string Address) : MessageTerm;

    /// <summary>The domain of one of its recipients.</summary>
    public sealed record RecipientDomain(string Domain) : MessageTerm;

    /// <summary>Its envelope sender.</summary>
    public sealed record Sender(string Address) : MessageTerm;

    /// <summary>The domain of its envelope sender.</summary>
    public sealed record SenderDomain(string Domain) : MessageTerm;

    /// <summary>One of these states, as people see them.</summary>
    public sealed record InState(IReadOnlyList<MessageState> Any) : MessageTerm;

    /// <summary>It goes by one of these accounts; none: there is no account of the name.</summary>
    public sealed record ByAccount(IReadOnlyList<AccountKey> Any) : MessageTerm;

    /// <summary>It named one of these pools; none: there is no pool of the name.</summary>
    public sealed record InPool(IReadOnlyList<PoolKey> Any) : MessageTerm;

    /// <summary>The batch that it belongs to.</summary>
    public sealed record InBatch(string Name) : MessageTerm;

    /// <summary>One of its tags.</summary>
    public sealed record Tagged(string Tag) : MessageTerm;

    /// <summary>Its priority.</summary>
    public sealed record OfPriority(Priority Value) : MessageTerm;

    /// <summary>Accepted at this time or later, Unix milliseconds.</summary>
    public sealed record Since(long At) : MessageTerm;

    /// <summary>Accepted before this time, Unix milliseconds.</summary>
    public sealed record Before(long At) : MessageTerm;

    /// <summary>A server answered one of its recipients with this reply code.</summary>
    public sealed record ReplyCode(int Least, int Most) : MessageTerm;

    /// <summary>A server answered one of its recipients with this enhanced status code, or one that begins with it (RFC 3463).</summary>
    public sealed record EnhancedCode(string Code) : MessageTerm;

    /// <summary>Its subject contains this, whatever the case.</summary>
    public sealed record Subject(string Part) : MessageTerm;

    /// <summary>A server's reply to one of its recipients contains this, whatever the case.</summary>
    public sealed record Reply(string Part) : MessageTerm;

    /// <summary>Its id, one of its recipients, or its Message-ID is this; without an @ also: its subject contains this.</summary>
    public sealed record Word(string Text) : MessageTerm;
}
