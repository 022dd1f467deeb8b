namespace MailProxy.Pipeline.Flow;

/// <summary>The message can never be sent as it is.</summary>
public sealed class UnsendableException(string enhancedCode, string reason, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>RFC 3463 code.</summary>
    public string EnhancedCode { get; } = enhancedCode;
}
