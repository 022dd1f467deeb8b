namespace MailProxy.Pipeline.Send;

/// <summary>The account's DKIM key cannot sign.</summary>
public sealed class DkimKeyException(string reason, Exception? inner = null) : Exception(reason, inner);
