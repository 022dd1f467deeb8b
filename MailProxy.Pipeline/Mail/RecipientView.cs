namespace MailProxy.Pipeline.Mail;

public sealed record RecipientView(string Address, RecipientState State, int? SmtpCode, string? EnhancedCode, string? Reply)
{
    /// <summary>The rule of a profile that decided, as <c>profile/rule</c>; null: none did.</summary>
    public string? Rule { get; init; }
}
