namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Marks what is shown to everybody: the sign-in and the files that views are made of.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OpenToAllAttribute : Attribute
{
    public static readonly OpenToAllAttribute Mark = new();
}
