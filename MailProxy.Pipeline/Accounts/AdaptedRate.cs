namespace MailProxy.Pipeline.Accounts;

/// <summary>How fast an account's mail may go after its provider asked for less. Times are Unix milliseconds.</summary>
/// <param name="PerMinute">Messages a minute.</param>
/// <param name="Ceiling">What it grows to, and is gone then.</param>
/// <param name="Since">When the provider first asked.</param>
/// <param name="GrowsAt">When it grows next, if mail goes well until then.</param>
/// <param name="Because">The rule, and the reply that it read.</param>
public sealed record AdaptedRate(double PerMinute, double Ceiling, long Since, long GrowsAt, string Because);
