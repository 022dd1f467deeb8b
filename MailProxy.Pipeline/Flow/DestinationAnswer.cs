namespace MailProxy.Pipeline.Flow;

/// <summary>What the limits of the domains that a mail goes to say of it: a closed set.</summary>
public abstract record DestinationAnswer
{
    private DestinationAnswer() { }

    /// <summary>It may go: with this permit, to these recipients; the others follow.</summary>
    public sealed record May(SendPermit Permit, MailContent Content) : DestinationAnswer;

    /// <summary>To none of them now.</summary>
    /// <param name="At">Unix milliseconds when it is its turn.</param>
    public sealed record Later(long At, string Reason) : DestinationAnswer;

    /// <summary>Not by this account now; it is a pool's mail, and other accounts of that have room.</summary>
    public sealed record Elsewhere(PassedOver Passed) : DestinationAnswer;

    /// <summary>The account's mail does not wait for limits.</summary>
    public sealed record Never(string Reason) : DestinationAnswer;
}

/// <summary>Asks for a mail whose turn has come and that was loaded.</summary>
/// <param name="slice">Its recipients, and how it stands.</param>
public delegate DestinationAnswer AskDestinations(DueMail due, Accounts.SmtpAccount account, MailContent slice);

/// <summary>What the limits of domains, and what was asked of the rate there, mean for mail.</summary>
/// <param name="Concern">Whether anything is to be asked of an account's mail.</param>
public sealed record DestinationQuestions(Func<Accounts.SmtpAccount, bool> Concern, AskDestinations Ask);
