namespace MailProxy.Pipeline.Notation;

/// <summary>Credentials that are sent to the source of an attachment. A closed set. Never printed.</summary>
public abstract record SourceAuth
{
    private SourceAuth() { }

    /// <summary>RFC 7617.</summary>
    public sealed record Basic(string User, string Password) : SourceAuth;

    /// <summary>RFC 6750.</summary>
    public sealed record Bearer(string Token) : SourceAuth;

    /// <summary>A header chosen by the owner of the source.</summary>
    public sealed record Header(string Name, string Value) : SourceAuth;

    // The generated ToString of a record would write the secret into a log.
    public sealed override string ToString() => "credentials";
}
