using System.Buffers;

namespace MailProxy.Pipeline.Notation;

/// <summary>The syntax of ids.</summary>
public static class IdSyntax
{
    public const string MessageRule = "1 to 128 of A-Z, a-z, 0-9 and ._:@- but not . or ..";
    public const string ObjectRule = "1 to 63 of A-Z, a-z, 0-9, _ and -, not beginning with -; case counts";

    /// <summary><see cref="IsMessageId"/> as a regular expression of ECMA-262.</summary>
    public const string MessagePattern = @"^(?!\.{1,2}$)[A-Za-z0-9._:@-]{1,128}$";

    /// <summary><see cref="IsObjectId"/> as a regular expression of ECMA-262.</summary>
    public const string ObjectPattern = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$";

    private static readonly SearchValues<char> MessageChars = SearchValues.Create(
        "-.0123456789:@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    );
    private static readonly SearchValues<char> ObjectChars = SearchValues.Create(
        "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    );

    /// <summary>Whether this can be the id of a message.</summary>
    public static bool IsMessageId(ReadOnlySpan<char> id) =>
        id.Length is >= 1 and <= 128 && !id.ContainsAnyExcept(MessageChars) && id is not ("." or "..");

    /// <summary>Whether this can be the id of anything else: an account, a webhook, a batch.</summary>
    public static bool IsObjectId(ReadOnlySpan<char> id) =>
        id.Length is >= 1 and <= 63 && !id.ContainsAnyExcept(ObjectChars) && id[0] != '-';
}
