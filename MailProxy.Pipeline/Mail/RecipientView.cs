namespace MailProxy.Pipeline.Mail;

public sealed record RecipientView(string Address, RecipientState State, int? SmtpCode, string? EnhancedCode, string? Reply);
