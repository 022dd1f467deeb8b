namespace MailProxy.Daemon.Hosting;

/// <summary>Settings that are one text with commas, and may be written as a list too. Pure.</summary>
internal static class TextLists
{
    private static readonly string[] Paths = ["Genro:Routes"];

    /// <summary>With the elements of such a list that follow each other as one value.</summary>
    public static IEnumerable<SettingValue> Joined(IEnumerable<SettingValue> values)
    {
        SettingValue? list = null;
        foreach (var value in values)
        {
            var path = Array.Find(Paths, one => IsElement(value.Path, one));
            if (path is not null && list?.Path == path)
            {
                list = list with { Text = $"{list.Text},{value.Text}" };
                continue;
            }

            if (list is not null)
                yield return list;
            list = path is null ? null : value with { Path = path };
            if (path is null)
                yield return value;
        }

        if (list is not null)
            yield return list;
    }

    private static bool IsElement(string path, string list) =>
        path.Length > list.Length + 1
        && path.StartsWith(list + ":", StringComparison.OrdinalIgnoreCase)
        && path.AsSpan(list.Length + 1).ContainsAnyExceptInRange('0', '9') == false;
}
