namespace MailProxy.Pipeline.Network;

/// <summary>A server answered what cannot be used.</summary>
/// <param name="why">For a person, to stand behind a colon; nothing of the server's own text.</param>
public sealed class SenselessAnswerException(string why) : IOException(why);
