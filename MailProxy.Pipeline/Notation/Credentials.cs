namespace MailProxy.Pipeline.Notation;

/// <summary>Credentials as a client wrote them, member by member; null means absent.</summary>
public readonly record struct CredentialMembers(string? User, string? Password, string? Bearer, string? Header, string? Value)
{
    // The generated ToString of a record would write the secrets into a log.
    public override string ToString() => "credentials";
}

/// <summary>Decides whether a stored secret is kept when the client did not write one.</summary>
/// <param name="Stored">The stored credentials; null when there are none, so that every secret must be written.</param>
/// <param name="Moved">Whether the receiver of the secret changes, so that it must be written again.</param>
/// <param name="Removed">Whether the secret was written as null.</param>
public readonly record struct KeptSecret(SourceAuth? Stored, bool Moved, bool Removed);

/// <summary>
/// Reads credentials for HTTP requests: <c>{user, password}</c>, <c>{bearer}</c> or <c>{header, value}</c>. Pure.
/// </summary>
public static class Credentials
{
    /// <summary>Most characters of a user, a password, a token or a header's value.</summary>
    public const int MaxLength = 8192;

    private const string Code = "invalid_auth";

    /// <summary>Returns null when something is wrong, and adds that to the errors.</summary>
    /// <param name="at">The JSON pointer of the object.</param>
    /// <param name="kept">For stored credentials: a secret that is not written is kept if its receiver is unchanged.</param>
    public static SourceAuth? Read(in CredentialMembers written, string at, List<FieldError> errors, KeptSecret kept = default)
    {
        var before = errors.Count;
        SourceAuth? auth = written switch
        {
            { Bearer: null, Header: null, Value: null } and ({ User: not null } or { Password: not null }) => Basic(
                written,
                at,
                errors,
                kept
            ),
            { User: null, Password: null, Bearer: null } and ({ Header: not null } or { Value: not null }) => Header(
                written,
                at,
                errors,
                kept
            ),
            { User: null, Password: null, Header: null, Value: null } when written.Bearer is not null || kept.Stored is SourceAuth.Bearer =>
                Bearer(written, at, errors, kept),
            _ => null,
        };
        if (auth is null && errors.Count == before)
            errors.Add(new(at, Code, "Write user and password, or bearer, or header and value."));
        return errors.Count == before ? auth : null;
    }

    private static SourceAuth.Basic? Basic(in CredentialMembers written, string at, List<FieldError> errors, KeptSecret kept)
    {
        var user = written.User;
        if (user is null)
            errors.Add(new(at + "/user", "required", "A password needs its user."));
        else if (Faults.InText(user, MaxLength) is { } fault)
            errors.Add(new(at + "/user", fault.Code, fault.Detail));
        else if (user.Contains(':'))
            errors.Add(new(at + "/user", Code, "A user has no colon (RFC 7617)."));

        var stored = kept.Stored as SourceAuth.Basic;
        var password = written.Password ?? Kept(stored?.Password, stored?.User == user, at + "/password", errors, kept);
        if (written.Password is { } given && Faults.InText(given, MaxLength) is { } wrong)
            errors.Add(new(at + "/password", wrong.Code, wrong.Detail));
        return user is null || password is null ? null : new(user, password);
    }

    private static SourceAuth.Bearer? Bearer(in CredentialMembers written, string at, List<FieldError> errors, KeptSecret kept)
    {
        var stored = kept.Stored as SourceAuth.Bearer;
        var token = written.Bearer ?? Kept(stored?.Token, true, at + "/bearer", errors, kept);
        if (written.Bearer is { } given && Value(given, blanks: false) is { } fault)
            errors.Add(new(at + "/bearer", fault.Code, fault.Detail));
        return token is null ? null : new(token);
    }

    private static SourceAuth.Header? Header(in CredentialMembers written, string at, List<FieldError> errors, KeptSecret kept)
    {
        var name = written.Header;
        if (name is null)
            errors.Add(new(at + "/header", "required", "A value needs the name of its header."));
        else if (!CredentialHeader.IsName(name))
            errors.Add(new(at + "/header", "invalid_header_name", "Not the name of an HTTP header."));
        else if (!CredentialHeader.MayBeSet(name))
            errors.Add(new(at + "/header", "reserved_header", CredentialHeader.Rule));

        var stored = kept.Stored as SourceAuth.Header;
        var same = string.Equals(stored?.Name, name, StringComparison.OrdinalIgnoreCase);
        var value = written.Value ?? Kept(stored?.Value, same, at + "/value", errors, kept);
        if (written.Value is { } given && Value(given, blanks: true) is { } fault)
            errors.Add(new(at + "/value", fault.Code, fault.Detail));
        return name is null || value is null ? null : new(name, value);
    }

    // A kept secret must not be sent to a receiver, or under a name, for which its owner never gave it.
    private static string? Kept(string? stored, bool same, string at, List<FieldError> errors, KeptSecret kept)
    {
        if (stored is not null && same && kept is { Moved: false, Removed: false })
            return stored;
        if (stored is null || kept.Removed)
            errors.Add(new(at, "required", "This field is required."));
        else
            errors.Add(new(at, "secret_required", "What it is sent to changes: send it again."));
        return null;
    }

    private static (string Code, string Detail)? Value(string value, bool blanks)
    {
        if (Faults.Injection(value) is { } injection)
            return injection;
        return value.Length is 0 or > MaxLength || value.AsSpan().ContainsAnyExceptInRange(blanks ? ' ' : '!', '~')
            ? (Code, $"1 to {MaxLength} visible ASCII characters{(blanks ? ", blanks among them" : "")}.")
            : null;
    }
}
