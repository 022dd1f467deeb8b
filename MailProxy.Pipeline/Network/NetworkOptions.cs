namespace MailProxy.Pipeline.Network;

/// <summary>Where outgoing connections may go.</summary>
public sealed class NetworkOptions
{
    /// <summary>
    /// CIDR ranges (<c>10.1.0.0/16</c>, <c>fd12::/16</c>, or a single address) that may be reached although they are not public. Default:
    /// none.
    /// </summary>
    [CidrRanges]
    public string[] Allowed { get; set; } = [];
}
