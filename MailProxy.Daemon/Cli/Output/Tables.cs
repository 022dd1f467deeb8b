using System.Text;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace MailProxy.Daemon.Cli.Output;

/// <summary>A column: its heading, and what stands in it for one row.</summary>
/// <param name="IsRight">Numbers, which stand at its right.</param>
internal sealed record Column(string Heading, Func<JsonNode, string> Of, bool IsRight = false)
{
    /// <summary>The member at this path.</summary>
    public Column(string heading, string path, bool isRight = false)
        : this(heading, node => Cell.Text(node, path), isRight) { }
}

/// <summary>Writes rows: with lines and colours on a terminal, plain columns for programs and files.</summary>
internal static class Tables
{
    private const int Gap = 2;

    /// <summary>What is no longer than a time stays on one line, and so do ids, which people copy.</summary>
    private const int Short = 20;

    public static void Write(Terminal terminal, IReadOnlyList<Column> columns, IReadOnlyList<JsonNode> rows)
    {
        string[][] cells = [.. rows.Select(row => columns.Select(column => Plain.Of(column.Of(row))).ToArray())];
        if (terminal.IsScreen)
            terminal.Console.Write(Coloured(columns, cells));
        else
            terminal.Out.Write(Columns(columns, cells));
    }

    public static Table Coloured(IReadOnlyList<Column> columns, string[][] cells)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        for (var i = 0; i < columns.Count; i++)
        {
            var made = new TableColumn(new Markup($"[bold]{columns[i].Heading.EscapeMarkup()}[/]"));
            if (i == 0 || cells.All(row => row[i].Length <= Short))
                made.NoWrap();
            table.AddColumn(columns[i].IsRight ? made.RightAligned() : made);
        }

        foreach (var row in cells)
            table.AddRow(row.Select(static text => new Markup(Styled(text))));
        return table;
    }

    private static string Columns(IReadOnlyList<Column> columns, string[][] cells)
    {
        var widths = columns.Select((column, i) => cells.Select(row => row[i].Length).Append(column.Heading.Length).Max()).ToArray();
        var text = new StringBuilder();
        Append(columns.Select(static column => column.Heading.ToUpperInvariant()).ToArray());
        foreach (var row in cells)
            Append(row);
        return text.ToString();

        void Append(string[] row)
        {
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++)
                line.Append(columns[i].IsRight ? row[i].PadLeft(widths[i]) : row[i].PadRight(widths[i])).Append(' ', Gap);
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
    }

    // States by their colour; everything else as it is.
    private static string Styled(string text)
    {
        var colour = text switch
        {
            "sent" or "done" or "ok" or "closed" or "active" => "green",
            "failed" or "open" or "ambiguous" or "expired" or "bounced" => "red",
            "deferred" or "partially_sent" or "half_open" or "warning" => "yellow",
            "held" or "suspended" or "paused" or "suppressed" or "cancelled" => "magenta",
            _ => null,
        };
        return colour is null ? text.EscapeMarkup() : $"[{colour}]{text.EscapeMarkup()}[/]";
    }
}
