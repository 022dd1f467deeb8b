using System.Reflection;
using System.Text;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline;
using MailProxy.Tests.Hosting;

namespace MailProxy.Tests.Docs;

/// <summary>The tables of docs/operate/configuration.md: every setting of the option classes, group by group, and former names.</summary>
internal static class SettingsTables
{
    public static string Settings()
    {
        var text = new StringBuilder();
        foreach (var group in Setting.All.GroupBy(setting => setting.Group))
        {
            if (group.Key.Length > 0)
                text.Append($"### {group.Key}\n\n{About(group.Key)}\n\n");
            text.Append("| setting | environment variable | default | range | meaning |\n|---|---|---|---|---|\n");
            foreach (var one in group)
            {
                var meaning = DocComments.Of(one.Property);
                text.Append($"| `{one.Path}` | `{one.Variable}` | `{one.DefaultText}` | {one.Range} | {meaning} |\n");
            }

            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    public static string FormerNames()
    {
        var text = new StringBuilder("| former name | name |\n|---|---|\n");
        foreach (var (former, now) in FormerSettings.All)
            text.Append($"| `{former}` | `{now}` |\n");
        return text.ToString();
    }

    // What the property says of its group, else what the class says of itself.
    private static string About(string group)
    {
        PropertyInfo? property = null;
        var names = group.Split(':');
        var type = typeof(DaemonSettings).GetProperty(names[0]) is null ? typeof(PipelineOptions) : typeof(DaemonSettings);
        foreach (var name in names)
        {
            property = type.GetProperty(name)!;
            type = property.PropertyType;
        }

        return DocComments.Of(property!) is { Length: > 0 } own ? own : DocComments.Of(type);
    }
}
