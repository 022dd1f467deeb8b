using System.Text;

namespace MailProxy.Daemon.Api;

/// <summary>One line of comma-separated values (RFC 4180), without line ends within a cell. Pure.</summary>
internal static class CsvLine
{
    // What a spreadsheet would take for a formula; and the quote itself, so that it can be taken off again.
    private const string Formulas = "=+-@\t'";

    /// <summary>Its cells; null when a quote is not closed, or stands in the middle of a cell.</summary>
    public static List<string>? Read(ReadOnlySpan<char> line)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        for (var at = 0; ; )
        {
            cell.Clear();
            if (at < line.Length && line[at] == '"')
            {
                at++;
                while (true)
                {
                    var quote = line[at..].IndexOf('"');
                    if (quote < 0)
                        return null;
                    cell.Append(line.Slice(at, quote));
                    at += quote + 1;
                    if (at >= line.Length || line[at] != '"')
                        break;
                    cell.Append('"');
                    at++;
                }

                if (at < line.Length && line[at] != ',')
                    return null;
            }
            else
            {
                var comma = line[at..].IndexOf(',');
                var end = comma < 0 ? line.Length : at + comma;
                if (line[at..end].Contains('"'))
                    return null;
                cell.Append(line[at..end]);
                at = end;
            }

            cells.Add(cell.ToString());
            if (at >= line.Length)
                return cells;
            at++; // the comma
        }
    }

    /// <summary>A cell without the quote that <see cref="Cell"/> puts in front.</summary>
    public static string Plain(string cell) => cell is ['\'', var next, ..] && Formulas.Contains(next) ? cell[1..] : cell;

    /// <summary>A cell as it is written. One that a spreadsheet would run as a formula gets a quote in front.</summary>
    public static string Cell(string text)
    {
        var safe = text.Length > 0 && Formulas.Contains(text[0]) ? "'" + text : text;
        safe = safe.ReplaceLineEndings(" ");
        return safe.AsSpan().ContainsAny(',', '"') ? $"\"{safe.Replace("\"", "\"\"")}\"" : safe;
    }
}
