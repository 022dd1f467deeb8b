using System.Buffers;
using System.Text;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Header fields with parameters, as MIME has them (RFC 2045, RFC 2183). What is not ASCII, or too long, is cut into pieces of whole
/// characters (RFC 2231).
/// </summary>
internal static class FieldParameters
{
    private const int Line = 76;

    // In one line: few readers understand the pieces of RFC 2231 for text that needs none.
    private const int LongestQuoted = 900;

    // Fit for a value without quotes, and attribute-char of RFC 2231.
    private static readonly SearchValues<char> Bare = SearchValues.Create(
        "!#$&+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"
    );

    public static Header Field(HeaderId id, string value, IEnumerable<(string Name, string Value)> parameters)
    {
        var text = new StringBuilder(" ").Append(value);
        var column = id.ToHeaderName().Length + 1 + text.Length;
        foreach (var piece in parameters.SelectMany(static p => Pieces(p.Name, p.Value)))
        {
            var fits = column + 3 + piece.Length <= Line;
            text.Append(fits ? "; " : ";\r\n ").Append(piece);
            column = (fits ? column + 2 : 1) + piece.Length;
        }

        var field = new Header(id, value);
        field.SetRawValue(Encoding.ASCII.GetBytes(text.Append("\r\n").ToString()));
        return field;
    }

    private static IEnumerable<string> Pieces(string name, string value)
    {
        if (value.Length <= LongestQuoted && !value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return [$"{name}={Quoted(value)}"];
        var pieces = new List<string>();
        var piece = new StringBuilder("utf-8''");
        var most = Line - name.Length - 8; // "*99*=", the blank in front and the semicolon
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in value.EnumerateRunes())
        {
            var bare = rune.IsAscii && Bare.Contains((char)rune.Value);
            if (piece.Length + (bare ? 1 : 3 * rune.Utf8SequenceLength) > most)
            {
                pieces.Add(piece.ToString());
                piece.Clear();
            }

            if (bare)
                piece.Append((char)rune.Value);
            else
                foreach (var octet in utf8[..rune.EncodeToUtf8(utf8)])
                    piece.Append('%').Append(octet.ToString("X2"));
        }

        pieces.Add(piece.ToString());
        return pieces is [var only] ? [$"{name}*={only}"] : pieces.Select((text, i) => $"{name}*{i}*={text}");
    }

    private static string Quoted(string value)
    {
        if (value.Length > 0 && !value.AsSpan().ContainsAnyExcept(Bare))
            return value;
        var quoted = new StringBuilder(value.Length + 2).Append('"');
        foreach (var c in value)
        {
            if (c is '"' or '\\')
                quoted.Append('\\');
            quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
