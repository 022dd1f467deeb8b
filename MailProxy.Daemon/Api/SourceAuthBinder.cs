namespace MailProxy.Daemon.Api;

/// <summary>Reads <c>auth</c> of whatever is configured with credentials, over what is stored. Pure.</summary>
internal static class SourceAuthBinder
{
    /// <param name="existing">What is stored: kept when the secret is absent and nothing else changes.</param>
    /// <param name="moved">What the secret would be sent to changes, and then it must be given again.</param>
    public static SourceAuth? Bind(MemberReader? auth, SourceAuth? existing, bool moved)
    {
        if (auth is null)
            return null;
        auth.ReadOnly("password_set", "bearer_set", "value_set");
        var before = auth.Mistakes;
        var members = new CredentialMembers(
            auth.Plain("user"),
            auth.Plain("password"),
            auth.Plain("bearer"),
            auth.Plain("header"),
            auth.Plain("value")
        );
        var readable = auth.Mistakes == before;
        auth.Close();
        var removed = auth.IsNull("password") || auth.IsNull("bearer") || auth.IsNull("value");
        return readable ? auth.Credentials(members, new(existing, moved, removed)) : null;
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
}
