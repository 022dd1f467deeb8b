using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// How one statement does for many rows what it does for one: the server takes the values of each parameter as an array. Pure.
/// </summary>
/// <remarks>
/// Understood are the simple forms that the store writes: INSERT of values, or of a selection from one table; UPDATE and DELETE by
/// their own columns. What is not understood is run one by one.
/// </remarks>
internal sealed partial class PgMany
{
    /// <summary>The letter of a parameter of which nobody knows what it is.</summary>
    public const char Unknown = '?';

    private static readonly ConcurrentDictionary<string, PgMany> Known = new(ReferenceEqualityComparer.Instance);
    private static readonly ConcurrentDictionary<(string Sql, string Kinds, bool IsOne), string> Questions = [];

    // What the triggers of tables read and write beside their own rows.
    private static readonly Dictionary<string, string[]> Triggers = new()
    {
        ["queue"] = ["messages", "suspended_batches"],
        ["messages"] = ["batch_counts", "compat_hidden", "message_traces"],
        ["suppressions"] = ["suppressing_tenants"],
        ["accounts"] = ["turns"],
        ["pools"] = ["turns"],
        ["tenants"] = ["turns"],
        ["tenant_keys"] = ["turns"],
        ["volumes"] = ["turns"],
        ["webhooks"] = ["turns"],
        ["settings"] = ["turns"],
        ["batch_weights"] = ["turns"],
    };

    private readonly ConcurrentDictionary<(string Kinds, bool IsTold), string> _texts = [];
    private readonly string _head; // before FROM
    private readonly string _from; // what else it reads
    private readonly string _tail;

    private PgMany(string sql)
    {
        HasRows = Answers().IsMatch(sql);
        Tables = [.. TablesIn(sql).SelectMany(static table => (string[])[table, .. Triggers.GetValueOrDefault(table, [])]).Distinct()];
        (_head, _from, _tail, KeyColumn, Key, Unique, IsUnderstood) = Read(sql);
    }

    /// <summary>It can be run for many rows at once.</summary>
    public bool IsUnderstood { get; }

    /// <summary>Each row that it is run for has a result of its own.</summary>
    public bool HasRows { get; }

    /// <summary>What it reads and writes, by its own text and by triggers.</summary>
    public IReadOnlyList<string> Tables { get; }

    /// <summary>The parameter (from 0) that says which message its row is of; -1: none does.</summary>
    public int Key { get; } = -1;

    /// <summary>Parameters (numbers) whose values must not come twice in one run, since the server would refuse it or do it once.</summary>
    public IReadOnlyList<int> Unique { get; } = [];

    /// <param name="sql">As PostgreSQL reads it, a constant.</param>
    public static PgMany Of(string sql) => Known.GetOrAdd(sql, static text => new(text));

    /// <summary>The same question for many rows; each answer begins with the number (from 1) of the row that it is of.</summary>
    /// <param name="sql">A SELECT, or a DELETE with RETURNING.</param>
    /// <param name="isOne">Of each the first row is wanted.</param>
    public static string Question(string sql, string kinds, bool isOne = true) => Questions.GetOrAdd((sql, kinds, isOne), Ask);

    /// <summary>The statement for many rows.</summary>
    /// <param name="kinds">Of the parameters, as <see cref="KindsOf"/> writes them.</param>
    /// <param name="isTold">It answers the keys of the rows that it has changed.</param>
    public string Text(string kinds, bool isTold) => _texts.GetOrAdd((kinds, isTold), Make);

    /// <summary>The column that a told statement answers; null: it cannot be told of many.</summary>
    public string? KeyColumn { get; }

    /// <summary>The tables that a text of SQL names.</summary>
    public static IEnumerable<string> TablesIn(string sql) => TableName().Matches(sql).Select(static match => match.Groups[1].Value);

    public static string KindsOf(PgValue[] row) => string.Create(row.Length, row, static (text, row) => Write(text, row));

    public static bool AreOf(string kinds, PgValue[] row)
    {
        if (kinds.Length != row.Length)
            return false;
        for (var i = 0; i < row.Length; i++)
        {
            if (kinds[i] != Letter(row[i].Kind))
                return false;
        }

        return true;
    }

    private static string Ask((string Sql, string Kinds, bool IsOne) of)
    {
        var rows = Rows(of.Kinds, ", row", " WITH ORDINALITY");
        return Deletes().Match(of.Sql) is { Success: true } delete
            ? $"{delete.Groups[1].Value} USING {rows} WHERE {ByRow(delete.Groups[2].Value)} RETURNING u.row, {delete.Groups[3].Value}"
            : $"SELECT u.row, x.* FROM {rows} CROSS JOIN LATERAL ({ByRow(of.Sql)}{(of.IsOne ? " LIMIT 1" : "")}) AS x";
    }

    private string Make((string Kinds, bool IsTold) of) =>
        $"{_head}{_from}{Rows(of.Kinds)}{_tail}{(of.IsTold ? $" RETURNING {KeyColumn}" : "")}";

    private static (string Head, string From, string Tail, string? KeyColumn, int Key, int[] Unique, bool) Read(string sql)
    {
        if (Values().Match(sql) is { Success: true } values)
        {
            var (table, columns, conflict) = (values.Groups[1].Value, Names(values.Groups[2].Value), values.Groups[4].Value);
            string[] items = Names(values.Groups[3].Value);
            var (name, key) = KeyOf(table, columns, items);
            var unique = Updates().Match(conflict) is { Success: true } updates
                ? Names(updates.Groups[1].Value).Select(column => ParameterOf(items[Array.IndexOf(columns, column)])).ToArray()
                : [];
            return (
                $"INSERT INTO {table} ({values.Groups[2].Value}) SELECT {ByRow(values.Groups[3].Value)} FROM ",
                "",
                $" {conflict}",
                name,
                key,
                unique,
                columns.Length == items.Length && !conflict.Contains('$') && Array.TrueForAll(unique, static one => one >= 0)
            );
        }

        if (Selected().Match(sql) is { Success: true } selected)
        {
            var table = selected.Groups[1].Value;
            var (name, key) = KeyOf(table, Names(selected.Groups[2].Value), Names(selected.Groups[3].Value));
            return (
                $"INSERT INTO {table} ({selected.Groups[2].Value}) SELECT {ByRow(selected.Groups[3].Value)} FROM ",
                $"{selected.Groups[4].Value}, ",
                $" WHERE {ByRow(selected.Groups[5].Value)} {selected.Groups[6].Value}",
                name,
                key,
                [],
                true
            );
        }

        if (Changes().Match(sql) is { Success: true } change)
        {
            var isUpdate = change.Groups[2].Success;
            var where = change.Groups[4].Value;
            var unique = Equal().Matches(where).Select(static match => ParameterOf(match.Groups[2].Value)).ToArray();
            var key = Equal().Matches(where).FirstOrDefault(static match => match.Groups[1].Value is "message" or "number");
            return (
                $"{change.Groups[1].Value}{(isUpdate ? $" SET {ByRow(change.Groups[3].Value)} FROM " : " USING ")}",
                "",
                $" WHERE {ByRow(where)}",
                key?.Groups[1].Value,
                key is null ? -1 : ParameterOf(key.Groups[2].Value),
                isUpdate ? unique : [],
                unique.Length > 0
            );
        }

        return ("", "", "", null, -1, [], false);
    }

    // The number of a message is in the column of that name everywhere but in its own table.
    private static (string? Name, int Parameter) KeyOf(string table, string[] columns, string[] items)
    {
        var name = table == "messages" ? "number" : "message";
        var at = Array.IndexOf(columns, name);
        var parameter = at < 0 || at >= items.Length ? -1 : ParameterOf(items[at]);
        return parameter < 0 ? (null, -1) : (name, parameter);
    }

    private static string[] Names(string list) => list.Split(',', StringSplitOptions.TrimEntries);

    // -1: it is a constant.
    private static int ParameterOf(string item) => item.StartsWith('$') ? int.Parse(item.AsSpan(1), CultureInfo.InvariantCulture) - 1 : -1;

    private static string Rows(string kinds, string more = "", string how = "")
    {
        var arrays = kinds.Select(static (kind, at) => string.Create(CultureInfo.InvariantCulture, $"${at + 1}::{TypeOf(kind)}[]"));
        var names = kinds.Select(static (_, at) => string.Create(CultureInfo.InvariantCulture, $"p{at + 1}"));
        return $"unnest({string.Join(", ", arrays)}){how} AS u({string.Join(", ", names)}{more})";
    }

    private static string ByRow(string sql) => Parameter().Replace(sql, "u.p$1");

    private static void Write(Span<char> text, PgValue[] row)
    {
        for (var i = 0; i < row.Length; i++)
            text[i] = Letter(row[i].Kind);
    }

    private static char Letter(PgKind kind) =>
        kind switch
        {
            PgKind.Number => 'n',
            PgKind.Text => 't',
            PgKind.Octets => 'o',
            _ => Unknown,
        };

    private static string TypeOf(char kind) =>
        kind switch
        {
            'n' => "bigint",
            't' => "text",
            _ => "bytea",
        };

    [GeneratedRegex(@"\$(\d+)")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\b(?:FROM|INTO|UPDATE|JOIN)\s+(?!SET\b)(\w+)")]
    private static partial Regex TableName();

    [GeneratedRegex(
        @"^\s*INSERT INTO (\w+) \(([^()]*)\)\s+VALUES \((\s*(?:\$\d+|\d+)(?:\s*,\s*(?:\$\d+|\d+))*\s*)\)\s*(ON CONFLICT [^$]*)?$"
    )]
    private static partial Regex Values();

    [GeneratedRegex(
        @"^\s*INSERT INTO (\w+) \(([^()]*)\)\s+SELECT (\s*\$\d+(?:\s*,\s*\$\d+)*) FROM (\w+)\s+"
            + @"WHERE ((?:(?!SELECT)[^()])*?)\s*(ON CONFLICT DO NOTHING)?\s*$"
    )]
    private static partial Regex Selected();

    [GeneratedRegex(
        @"^\s*(UPDATE \w+|DELETE FROM \w+)( SET ((?:(?!SELECT|RETURNING)[\s\S])*?))?\s+WHERE ((?:(?!SELECT|RETURNING|\bOR\b)[\s\S])*)$"
    )]
    private static partial Regex Changes();

    [GeneratedRegex(@"^\s*(DELETE FROM \w+)\s+WHERE ([\s\S]*)\s+RETURNING ([\s\S]*)$")]
    private static partial Regex Deletes();

    [GeneratedRegex(@"ON CONFLICT \(([^)]*)\)\s+DO UPDATE")]
    private static partial Regex Updates();

    [GeneratedRegex(@"^\s*(SELECT|WITH)\b|\bRETURNING\b")]
    private static partial Regex Answers();

    [GeneratedRegex(@"\b(\w+) = (\$\d+)")]
    private static partial Regex Equal();
}
