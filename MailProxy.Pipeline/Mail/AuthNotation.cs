using System.Buffers;

namespace MailProxy.Pipeline.Mail;

/// <summary>Reads credentials for an HTTP source: <c>{user, password}</c>, <c>{bearer}</c> or <c>{header, value}</c>. Pure.</summary>
public static class AuthNotation
{
    private const int MaxLength = 8192;

    private static readonly SearchValues<char> TokenChars = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // They belong to the connection or decide what the answer is.
    private static readonly string[] Ours =
    [
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
        "if-unmodified-since", "keep-alive", "proxy-authorization", "proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade",
    ];

    /// <summary>Null when something is wrong, which is then among the errors.</summary>
    /// <param name="at">The pointer of the object.</param>
    public static SourceAuth? Read(SourceAuthDraft draft, string at, List<FieldError> errors)
    {
        var before = errors.Count;
        foreach (var name in draft.Unknown?.Keys ?? Enumerable.Empty<string>()) errors.Add(new(JsonPointer.Member(at, name), "unknown_field", "Unknown field."));
        SourceAuth? auth = draft switch
        {
            { User: { } user, Password: { } password, Bearer: null, Header: null, Value: null } => new SourceAuth.Basic(user, password),
            { User: null, Password: null, Bearer: { } bearer, Header: null, Value: null } => new SourceAuth.Bearer(bearer),
            { User: null, Password: null, Bearer: null, Header: { } header, Value: { } value } => new SourceAuth.Header(header, value),
            _ => null,
        };
        if (auth is null) errors.Add(new(at, "invalid_auth", "Write user and password, or bearer, or header and value."));
        else Check(auth, at, errors);
        return errors.Count == before ? auth : null;
    }

    private static void Check(SourceAuth auth, string at, List<FieldError> errors)
    {
        switch (auth)
        {
            case SourceAuth.Basic basic:
                if (Faults.InText(basic.User, MaxLength) is { } user) errors.Add(new(at + "/user", user.Code, user.Detail));
                else if (basic.User.Contains(':')) errors.Add(new(at + "/user", "invalid_auth", "A user has no colon (RFC 7617)."));
                if (Faults.InText(basic.Password, MaxLength) is { } password) errors.Add(new(at + "/password", password.Code, password.Detail));
                break;
            case SourceAuth.Bearer bearer:
                if (Value(bearer.Token, blanks: false) is { } token) errors.Add(new(at + "/bearer", token.Code, token.Detail));
                break;
            case SourceAuth.Header header:
                if (header.Name.Length is 0 or > 128 || header.Name.AsSpan().ContainsAnyExcept(TokenChars)) errors.Add(new(at + "/header", "invalid_header_name", "Not the name of an HTTP header."));
                else if (Ours.Contains(header.Name, StringComparer.OrdinalIgnoreCase)) errors.Add(new(at + "/header", "reserved_header", "This header is not yours to set."));
                if (Value(header.Value, blanks: true) is { } value) errors.Add(new(at + "/value", value.Code, value.Detail));
                break;
        }
    }

    private static (string Code, string Detail)? Value(string value, bool blanks)
    {
        if (Faults.Injection(value) is { } injection) return injection;
        return value.Length is 0 or > MaxLength || value.AsSpan().ContainsAnyExceptInRange(blanks ? ' ' : '!', '~')
            ? ("invalid_auth", $"1 to {MaxLength} visible ASCII characters.")
            : null;
    }
}
