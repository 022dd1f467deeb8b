namespace MailProxy.Pipeline.Report;

/// <summary>What the answer to a report has to be.</summary>
/// <param name="Timeout">How long it may take.</param>
/// <param name="StatusDecides">Every status below 400 acknowledges, whatever the body is and becomes, and every other is a failure.</param>
internal sealed record AnswerTerms(TimeSpan Timeout, bool StatusDecides = false);
