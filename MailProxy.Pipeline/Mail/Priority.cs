namespace MailProxy.Pipeline.Mail;

/// <summary>The order of mail inside one account lane; a smaller value goes first. On the wire: the lower-case name, or 0 to 3.</summary>
public enum Priority : byte
{
    Immediate = 0,
    High = 1,
    Medium = 2,
    Low = 3,
}
