namespace MailProxy.Pipeline.Mail;

/// <summary>What identifies us to an HTTP source: a closed set. Its text never shows the secret.</summary>
public abstract record SourceAuth
{
    private SourceAuth() { }

    /// <summary>RFC 7617.</summary>
    public sealed record Basic(string User, string Password) : SourceAuth
    {
        public override string ToString() => "basic";
    }

    /// <summary>RFC 6750.</summary>
    public sealed record Bearer(string Token) : SourceAuth
    {
        public override string ToString() => "bearer";
    }

    /// <summary>A header of the source's own.</summary>
    public sealed record Header(string Name, string Value) : SourceAuth
    {
        public override string ToString() => $"header {Name}";
    }
}
