using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Configuration;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>The appsettings.json of the repository shows every setting with the default that its class has.</summary>
[TestFixture]
internal sealed class ShippedSettingsTests
{
    [Test]
    public void File_Names_AreExactlyTheSettingsThereAre() =>
        Assert.That(
            Leaves(JsonNode.Parse(File.ReadAllText(Repository.File("appsettings.json"))), ""),
            Is.EquivalentTo(Setting.All.Select(s => s.Path))
        );

    [Test]
    public void File_Bound_IsTheDefaults()
    {
        var (settings, mistakes) = SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(Repository.File("appsettings.json")).Build());

        Assert.That(mistakes, Is.Empty);
        using (Assert.EnterMultipleScope())
        {
            foreach (var setting in Setting.All)
                Assert.That(Value(settings!, setting.Path), Is.EqualTo(setting.Default), setting.Path);
        }
    }

    [Test]
    public void Defaults_Everywhere_LieInTheirRange()
    {
        var values = Setting
            .All.Where(s => s is { Default: not null, IsList: false })
            .ToDictionary(s => s.Path, s => (string?)s.DefaultText);
        var (_, mistakes) = SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        Assert.That(mistakes, Is.Empty);
    }

    private static IEnumerable<string> Leaves(JsonNode? node, string path) =>
        node is JsonObject group ? group.SelectMany(m => Leaves(m.Value, path.Length == 0 ? m.Key : path + ":" + m.Key)) : [path];

    internal static object? Value(DaemonSettings settings, string path)
    {
        var names = path.Split(':');
        object? at = typeof(DaemonSettings).GetProperty(names[0]) is null ? settings.Engine : settings;
        foreach (var name in names)
            at = at!.GetType().GetProperty(name)!.GetValue(at);
        return at;
    }
}
