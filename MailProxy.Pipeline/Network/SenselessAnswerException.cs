namespace MailProxy.Pipeline.Network;

/// <summary>A server's answer cannot be used.</summary>
/// <param name="why">For a person, to be put after a colon; contains no text of the server's.</param>
public sealed class SenselessAnswerException(string why) : IOException(why);
