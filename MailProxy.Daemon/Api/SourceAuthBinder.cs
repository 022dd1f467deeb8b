using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Reads <c>auth</c> of whatever files are fetched from: <c>{user, password}</c>, <c>{bearer}</c> or <c>{header, value}</c>. Pure.
/// </summary>
internal static class SourceAuthBinder
{
    /// <param name="existing">What is stored: kept when the secret is absent and nothing else changes.</param>
    /// <param name="moved">What the secret would be sent to changes, and then it must be given again.</param>
    public static SourceAuth? Bind(MemberReader? auth, SourceAuth? existing, bool moved)
    {
        if (auth is null)
            return null;
        auth.ReadOnly("password_set", "bearer_set", "value_set");
        SourceAuth? bound =
            auth.Has("user") ? Basic(auth, existing as SourceAuth.Basic, moved)
            : auth.Has("header") ? Header(auth, existing as SourceAuth.Header, moved)
            : Bearer(auth, existing as SourceAuth.Bearer, moved);
        auth.Close();
        return bound;
    }

    public static SourceAuthAnswer? Answer(SourceAuth? auth) =>
        auth switch
        {
            null => null,
            SourceAuth.Basic basic => new(basic.User, true),
            SourceAuth.Bearer => new(BearerSet: true),
            SourceAuth.Header header => new(Header: header.Name, ValueSet: true),
            _ => throw new ArgumentOutOfRangeException(nameof(auth)),
        };

    private static SourceAuth.Basic? Basic(MemberReader auth, SourceAuth.Basic? existing, bool moved)
    {
        var user = auth.Text("user", 512, required: true);
        if (user?.Contains(':') == true)
            auth.Fault("user", "invalid_characters", "A colon is not allowed (RFC 7617).");
        var password = Secret(auth, "password", existing?.Password, moved || existing?.User != user);
        return user is null || password is null ? null : new(user, password);
    }

    private static SourceAuth.Bearer? Bearer(MemberReader auth, SourceAuth.Bearer? existing, bool moved) =>
        Ascii(auth, "bearer", Secret(auth, "bearer", existing?.Token, moved)) is { } token ? new(token) : null;

    private static SourceAuth.Header? Header(MemberReader auth, SourceAuth.Header? existing, bool moved)
    {
        var name = auth.Text("header", 128, required: true);
        if (name is not null && !CredentialHeader.MayBeSet(name))
            auth.Fault("header", "invalid_header", CredentialHeader.Rule);
        var same = string.Equals(existing?.Name, name, StringComparison.OrdinalIgnoreCase);
        var value = Ascii(auth, "value", Secret(auth, "value", existing?.Value, moved || !same));
        return name is null || value is null ? null : new(name, value);
    }

    private static string? Secret(MemberReader auth, string name, string? existing, bool moved)
    {
        var removed = auth.IsNull(name);
        if (auth.Text(name, 4_096) is { } given)
        {
            if (given.Length > 0)
                return given;
            auth.Fault(name, "required", "Must not be empty; leave auth out to remove it.");
            return null;
        }

        // A kept secret must not be sent to a place its owner never named.
        if (existing is not null && !removed && !moved)
            return existing;
        if (existing is not null && !removed)
            auth.Fault(name, "secret_required", "What it is sent to changes: send it again.");
        else if (removed || !auth.Has(name))
            auth.Fault(name, "required", "This field is required.");
        return null;
    }

    private static string? Ascii(MemberReader auth, string name, string? text)
    {
        if (text is null || !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text;
        auth.Fault(name, "invalid_characters", "Only printable ASCII is allowed.");
        return null;
    }
}
