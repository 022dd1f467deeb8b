using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Apply;
using NUnit.Framework;
using YamlDotNet.Core;

namespace MailProxy.Tests.Cli;

/// <summary>YAML as JSON, and back.</summary>
[TestFixture]
internal sealed class YamlTextTests
{
    [TestCase("a: no", "{\"a\":\"no\"}")]
    [TestCase("a: true", "{\"a\":true}")]
    [TestCase("a: 'true'", "{\"a\":\"true\"}")]
    [TestCase("a: 587", "{\"a\":587}")]
    [TestCase("a: 0123", "{\"a\":\"0123\"}")]
    [TestCase("a: 1.5", "{\"a\":1.5}")]
    [TestCase("a: 7d", "{\"a\":\"7d\"}")]
    [TestCase("a:", "{\"a\":null}")]
    [TestCase("a: ~", "{\"a\":null}")]
    [TestCase("a: 2026-12-01", "{\"a\":\"2026-12-01\"}")]
    [TestCase("a: &x {b: 1}\nc: *x", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}")]
    [TestCase("{\"a\": [1, \"x\", null]}", "{\"a\":[1,\"x\",null]}")]
    [TestCase("a: |\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\"}")]
    public void Read_Text_IsThisJson(string yaml, string json) =>
        Assert.That(YamlText.Read(yaml).Single()!.ToJsonString(), Is.EqualTo(json));

    [TestCase("{\"a\":\"true\",\"b\":\"587\",\"c\":\"\",\"d\":null,\"e\":\"null\",\"f\":1.5,\"g\":false}")]
    [TestCase("{\"a\":[{\"b\":\"x: y\"},\"- z\",\"#\",\"~\",\"a\\nb\\n\",\" blank \"]}")]
    [TestCase("{\"a\":{},\"b\":[],\"1e3\":\"1e3\",\"c\":\"0x10\"}")]
    public void Write_Json_IsReadTheSame(string json) =>
        Assert.That(YamlText.Read(YamlText.Write(JsonNode.Parse(json)!)).Single()!.ToJsonString(), Is.EqualTo(json));

    [Test]
    public void Aliases_ThatMultiply_AreRefused()
    {
        var text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
        for (var name = 'b'; name < 'h'; name++)
            text += $"{name}: &{name} [{string.Join(',', Enumerable.Repeat($"*{(char)(name - 1)}", 10))}]\n";
        Assert.That(() => YamlText.Read(text), Throws.InstanceOf<YamlException>());
    }
}
