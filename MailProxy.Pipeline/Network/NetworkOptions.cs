namespace MailProxy.Pipeline.Network;

/// <summary>Where outgoing connections may go.</summary>
public sealed class NetworkOptions
{
    /// <summary>
    /// CIDR ranges or single addresses that webhooks, attachments and SMTP hosts of tenants may reach although they are not public.
    /// </summary>
    [CidrRanges]
    public string[] Allowed { get; set; } = [];
}
