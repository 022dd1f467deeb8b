using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MailProxy.Tests.Docs;

/// <summary>
/// The summaries of documentation comments, each as one line of Markdown, from the XML that the compiler writes beside an assembly.
/// </summary>
internal static partial class DocComments
{
    private static readonly Dictionary<Assembly, Dictionary<string, XElement>> Known = [];

    public static string Of(PropertyInfo property) =>
        Find(property.DeclaringType!.Assembly, $"P:{Name(property.DeclaringType!)}.{property.Name}");

    public static string Of(Type type) => Find(type.Assembly, $"T:{Name(type)}");

    /// <summary>Empty when there is none.</summary>
    private static string Find(Assembly assembly, string member)
    {
        if (!Known.TryGetValue(assembly, out var members))
        {
            members = XDocument
                .Load(Path.ChangeExtension(assembly.Location, ".xml"))
                .Descendants("member")
                .ToDictionary(element => element.Attribute("name")!.Value);
            Known.Add(assembly, members);
        }

        var summary = members.GetValueOrDefault(member)?.Element("summary");
        return summary is null ? "" : Blanks().Replace(string.Concat(summary.Nodes().Select(Markdown)), " ").Trim();
    }

    private static string Markdown(XNode node) =>
        node switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement reference when reference.Attribute("cref") is { } cref => $"`{cref.Value.Split('.')[^1]}`",
            XElement reference when reference.Attribute("name") is { } name => $"`{name.Value}`",
            _ => "",
        };

    private static string Name(Type type) => type.FullName!.Replace('+', '.');

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
