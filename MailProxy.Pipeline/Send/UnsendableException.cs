namespace MailProxy.Pipeline.Send;

/// <summary>The message can never be sent as it is.</summary>
public sealed class UnsendableException(string enhancedCode, string reason, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>RFC 3463 code.</summary>
    public string EnhancedCode { get; } = enhancedCode;
}

/// <summary>The account's DKIM key cannot sign.</summary>
public sealed class DkimKeyException(string reason, Exception? inner = null) : Exception(reason, inner);
