using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>One header field on its way out. It knows the column, and begins a new line only where blanks stand, which it keeps.</summary>
internal ref struct FoldedField
{
    /// <summary>RFC 5322 section 2.1.1: lines should not be longer.</summary>
    public const int Line = 78;

    /// <summary>RFC 2047 section 2: lines with encoded words may not be longer.</summary>
    private const int LineWithWords = 76;

    private readonly PooledBytes _bytes;
    private readonly string _name;
    private readonly int _line;
    private int _column;

    /// <param name="hasWords">Some of it will be encoded words.</param>
    public FoldedField(PooledBytes bytes, string name, bool hasWords)
    {
        _bytes = bytes;
        _name = name;
        _line = hasWords ? LineWithWords : Line;
        Put(name);
        Put(": ");
    }

    /// <summary>What may not be cut, and the blanks before it.</summary>
    public void Token(scoped ReadOnlySpan<char> blanks, scoped ReadOnlySpan<char> token)
    {
        var width = blanks.Length + Encoding.UTF8.GetByteCount(token);
        if (!blanks.IsEmpty && _column + width > _line)
            NewLine();
        if (_column + width > HeaderFields.LongestLine)
            throw new FormatException($"{_name} has a word that is too long for a line.");
        Put(blanks);
        Put(token);
    }

    /// <summary>What is encoded, and the blank before it. All its words but the first and the last fill lines of their own.</summary>
    public void Words(scoped ReadOnlySpan<char> blanks, scoped ReadOnlySpan<char> text)
    {
        var q = EncodedWords.PrefersQ(text);
        while (!text.IsEmpty)
        {
            var octets = Math.Min(EncodedWords.Longest, LineWithWords - _column - blanks.Length);
            var take = EncodedWords.Fit(text, q, octets);

            // Behind the name nothing should be folded: some readers keep the blank.
            if (take == 0 && blanks.IsEmpty)
                take = EncodedWords.Fit(text, q, octets, mayPart: true);
            if (take == 0)
            {
                NewLine();
                if (blanks.IsEmpty)
                    blanks = " ";
                continue;
            }

            Put(blanks);
            var before = _bytes.Length;
            EncodedWords.Write(_bytes, text[..take], q);
            _column += (int)(_bytes.Length - before);
            text = text[take..];
            if (text.IsEmpty)
                return;
            NewLine();
            blanks = " ";
        }
    }

    public readonly void End() => _bytes.Write("\r\n"u8);

    private void NewLine()
    {
        _bytes.Write("\r\n"u8);
        _column = 0;
    }

    private void Put(scoped ReadOnlySpan<char> text)
    {
        var octets = Encoding.UTF8.GetBytes(text, _bytes.Space(Encoding.UTF8.GetMaxByteCount(text.Length)));
        _bytes.Advance(octets);
        _column += octets;
    }
}
