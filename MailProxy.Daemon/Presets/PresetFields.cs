namespace MailProxy.Daemon.Presets;

/// <summary>Fields that several presets ask for.</summary>
internal static class PresetFields
{
    public const string Address = "address";
    public const string From = "from";
    public const string User = "user";
    public const string Password = "password";
    public const string Region = "region";
    public const string Host = "host";
    public const string Port = "port";
    public const string Security = "security";
    public const string Directory = "directory";
    public const string ClientId = "client-id";
    public const string SecretExpires = "secret-expires";

    private const string Mailbox = @"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+";

    public static PresetField Mail(string name, string label, string hint) =>
        new(name, label, hint) { Pattern = Mailbox, Rule = "it is not a mail address, such as you@example.com." };

    /// <summary>From whom the account may send.</summary>
    public static readonly PresetField Sender = new(
        From,
        "From address or domain",
        "From whom it sends: news@example.com, or @example.com for a whole domain that the provider has verified."
    )
    {
        Pattern = $@"{Mailbox}|@[^@\s,;<>]+\.[^@\s,;<>.]+",
        Rule = "it is neither a mail address nor @ and a domain.",
    };

    public static PresetField SecretOf(string label, string hint, string? pattern = null, string? rule = null) =>
        new(Password, label, hint)
        {
            IsSecret = true,
            Pattern = pattern,
            Rule = rule,
        };

    public static string WithoutBlanks(string text) => string.Concat(text.Where(static c => !char.IsWhiteSpace(c)));
}
