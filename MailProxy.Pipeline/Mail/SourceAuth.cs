namespace MailProxy.Pipeline.Mail;

/// <summary>What is sent to whoever has an attachment, so that he gives it: a closed set. Never printed.</summary>
public abstract record SourceAuth
{
    private SourceAuth() { }

    /// <summary>RFC 7617.</summary>
    public sealed record Basic(string User, string Password) : SourceAuth;

    /// <summary>RFC 6750.</summary>
    public sealed record Bearer(string Token) : SourceAuth;

    /// <summary>A header of the owner's choice.</summary>
    public sealed record Header(string Name, string Value) : SourceAuth;

    // A record's generated text would carry the secret into a log.
    public sealed override string ToString() => "credentials";
}
