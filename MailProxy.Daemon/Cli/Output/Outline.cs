using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Cli.Output;

/// <summary>One object as people read it: a member a line, those below it set in.</summary>
internal static class Outline
{
    public static void Write(Terminal terminal, JsonNode node, params string[] without)
    {
        if (node is JsonObject members)
        {
            foreach (var (name, value) in members)
            {
                if (!without.Contains(name))
                    Write(terminal, name, value, "");
            }
        }
        else
        {
            terminal.Out.WriteLine(Plain.Of(Cell.Text(node)));
        }
    }

    private static void Write(Terminal terminal, string name, JsonNode? value, string indent)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } members:
                terminal.Out.WriteLine($"{indent}{Plain.Of(name)}:");
                foreach (var (below, one) in members)
                    Write(terminal, below, one, indent + "  ");
                break;
            case JsonArray { Count: > 0 } list when list.Any(static one => one is JsonObject):
                terminal.Out.WriteLine($"{indent}{Plain.Of(name)}:");
                foreach (var one in list)
                    Item(terminal, one, indent + "  ");
                break;
            default:
                terminal.Out.WriteLine($"{indent}{Plain.Of(name)}: {Plain.Of(Cell.Text(value))}");
                break;
        }
    }

    private static void Item(Terminal terminal, JsonNode? item, string indent)
    {
        var mark = "- ";
        if (item is not JsonObject members)
        {
            terminal.Out.WriteLine($"{indent}{mark}{Plain.Of(Cell.Text(item))}");
            return;
        }

        foreach (var (name, value) in members)
        {
            if (value is JsonObject or JsonArray)
                Write(terminal, name, value, indent + "  ");
            else
                terminal.Out.WriteLine($"{indent}{mark}{Plain.Of(name)}: {Plain.Of(Cell.Text(value))}");
            mark = "  ";
        }
    }
}
