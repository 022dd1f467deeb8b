using System.Text;

namespace MailProxy.Daemon.Sandbox;

internal enum SmtpVerb : byte
{
    Unknown = 0,
    Helo,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Help,

    /// <summary>A command of SMTP that is not offered here.</summary>
    NotOffered,
}

/// <summary>One command line (RFC 5321 4.1), split into verb and argument. Pure; must not outlive its line.</summary>
internal readonly ref struct SmtpCommand
{
    private SmtpCommand(SmtpVerb verb, ReadOnlySpan<byte> argument)
    {
        Verb = verb;
        Argument = argument;
    }

    public SmtpVerb Verb { get; }

    /// <summary>The text after the verb and one space, without trailing spaces.</summary>
    public ReadOnlySpan<byte> Argument { get; }

    /// <param name="line">Without CR LF.</param>
    public static SmtpCommand Parse(ReadOnlySpan<byte> line)
    {
        var space = line.IndexOf((byte)' ');
        var word = space < 0 ? line : line[..space];
        var argument = space < 0 ? default : line[(space + 1)..].TrimEnd((byte)' ');
        return new SmtpCommand(VerbOf(word), argument);
    }

    /// <summary>Parses <c>FROM:&lt;path&gt; parameters</c> after the keyword. False when the argument does not have this form.</summary>
    /// <param name="keyword"><c>FROM:</c> or <c>TO:</c>.</param>
    public bool TryReadPath(ReadOnlySpan<byte> keyword, out ReadOnlySpan<byte> path, out ReadOnlySpan<byte> parameters)
    {
        path = parameters = default;
        if (Argument.Length <= keyword.Length || !Ascii.EqualsIgnoreCase(Argument[..keyword.Length], keyword))
            return false;
        var rest = Argument[keyword.Length..];
        if (rest[0] != '<')
            return false;
        var end = ClosingBracket(rest);
        if (end < 0)
            return false;
        path = rest[1..end];
        parameters = rest[(end + 1)..];
        return parameters.IsEmpty || parameters[0] == ' ';
    }

    // A quoted local part may contain brackets.
    private static int ClosingBracket(ReadOnlySpan<byte> text)
    {
        var quoted = false;
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case (byte)'\\' when quoted:
                    i++;
                    break;
                case (byte)'"':
                    quoted = !quoted;
                    break;
                case (byte)'>' when !quoted:
                    return i;
            }
        }

        return -1;
    }

    private static SmtpVerb VerbOf(ReadOnlySpan<byte> word)
    {
        if (Is(word, "MAIL"u8))
            return SmtpVerb.Mail;
        if (Is(word, "RCPT"u8))
            return SmtpVerb.Rcpt;
        if (Is(word, "DATA"u8))
            return SmtpVerb.Data;
        if (Is(word, "EHLO"u8))
            return SmtpVerb.Ehlo;
        if (Is(word, "HELO"u8))
            return SmtpVerb.Helo;
        if (Is(word, "RSET"u8))
            return SmtpVerb.Rset;
        if (Is(word, "NOOP"u8))
            return SmtpVerb.Noop;
        if (Is(word, "QUIT"u8))
            return SmtpVerb.Quit;
        if (Is(word, "VRFY"u8))
            return SmtpVerb.Vrfy;
        if (Is(word, "HELP"u8))
            return SmtpVerb.Help;
        if (Is(word, "EXPN"u8) || Is(word, "AUTH"u8) || Is(word, "STARTTLS"u8) || Is(word, "BDAT"u8) || Is(word, "ETRN"u8))
            return SmtpVerb.NotOffered;
        return SmtpVerb.Unknown;

        static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> verb) => Ascii.EqualsIgnoreCase(word, verb);
    }
}
