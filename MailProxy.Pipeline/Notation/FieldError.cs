namespace MailProxy.Pipeline.Notation;

/// <summary>
/// One mistake in a request: where (a JSON pointer, RFC 6901, relative to the message), a stable snake_case code, and an explanation.
/// </summary>
public readonly record struct FieldError(string Pointer, string Code, string Detail);
