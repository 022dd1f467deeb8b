namespace MailProxy.Pipeline.Mail;

/// <summary>Reads credentials for an HTTP source: <c>{user, password}</c>, <c>{bearer}</c> or <c>{header, value}</c>. Pure.</summary>
public static class AuthNotation
{
    private const int MaxLength = 8192;

    /// <summary>Returns null when something is wrong, and adds that to the errors.</summary>
    /// <param name="at">The JSON pointer of the object.</param>
    public static SourceAuth? Read(SourceAuthDraft draft, string at, List<FieldError> errors)
    {
        var before = errors.Count;
        foreach (var name in draft.Unknown?.Keys ?? Enumerable.Empty<string>())
            errors.Add(new(JsonPointer.Member(at, name), "unknown_field", "Unknown field."));
        SourceAuth? auth = draft switch
        {
            { User: { } user, Password: { } password, Bearer: null, Header: null, Value: null } => new SourceAuth.Basic(user, password),
            { User: null, Password: null, Bearer: { } bearer, Header: null, Value: null } => new SourceAuth.Bearer(bearer),
            { User: null, Password: null, Bearer: null, Header: { } header, Value: { } value } => new SourceAuth.Header(header, value),
            _ => null,
        };
        if (auth is null)
            errors.Add(new(at, "invalid_auth", "Write user and password, or bearer, or header and value."));
        else
            Check(auth, at, errors);
        return errors.Count == before ? auth : null;
    }

    private static void Check(SourceAuth auth, string at, List<FieldError> errors)
    {
        switch (auth)
        {
            case SourceAuth.Basic basic:
                if (Faults.InText(basic.User, MaxLength) is { } user)
                    errors.Add(new(at + "/user", user.Code, user.Detail));
                else if (basic.User.Contains(':'))
                    errors.Add(new(at + "/user", "invalid_auth", "A user has no colon (RFC 7617)."));
                if (Faults.InText(basic.Password, MaxLength) is { } password)
                    errors.Add(new(at + "/password", password.Code, password.Detail));
                break;
            case SourceAuth.Bearer bearer:
                if (Value(bearer.Token, blanks: false) is { } token)
                    errors.Add(new(at + "/bearer", token.Code, token.Detail));
                break;
            case SourceAuth.Header header:
                if (!CredentialHeader.IsName(header.Name))
                    errors.Add(new(at + "/header", "invalid_header_name", "Not the name of an HTTP header."));
                else if (!CredentialHeader.MayBeSet(header.Name))
                    errors.Add(new(at + "/header", "reserved_header", CredentialHeader.Rule));
                if (Value(header.Value, blanks: true) is { } value)
                    errors.Add(new(at + "/value", value.Code, value.Detail));
                break;
        }
    }

    private static (string Code, string Detail)? Value(string value, bool blanks)
    {
        if (Faults.Injection(value) is { } injection)
            return injection;
        return value.Length is 0 or > MaxLength || value.AsSpan().ContainsAnyExceptInRange(blanks ? ' ' : '!', '~')
            ? ("invalid_auth", $"1 to {MaxLength} visible ASCII characters.")
            : null;
    }
}
