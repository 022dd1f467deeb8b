namespace MailProxy.Pipeline.Mail;

/// <summary>Why a request, or one message of it, was refused. The API writes it as <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="Status">The HTTP status: 400, 404, 409, 410, 413, 422, 503.</param>
/// <param name="Code">Stable, snake_case, e.g. <c>validation_failed</c>, <c>already_sent</c>, <c>sending</c>.</param>
/// <param name="Detail">An explanation for people. Never contains a secret or a body.</param>
/// <param name="Errors">Field errors; empty when the refusal is not about a field.</param>
public sealed record Problem(int Status, string Code, string Detail, IReadOnlyList<FieldError> Errors)
{
    public Problem(int status, string code, string detail)
        : this(status, code, detail, []) { }
}
