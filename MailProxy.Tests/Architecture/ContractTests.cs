using System.Reflection;
using System.Text.RegularExpressions;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Architecture;

/// <summary>What a store has to do stands in contracts that run on every database, and says nothing of how one does it.</summary>
[TestFixture]
internal sealed partial class ContractTests
{
    private static readonly Type[] Benches = [typeof(SqliteBench), typeof(PostgresBench)];

    [Test]
    public void Interface_OfAStore_HasAContractOnEveryDatabase()
    {
        var interfaces = typeof(MailPipeline)
            .Assembly.GetExportedTypes()
            .Where(static type => type.IsInterface && type.Namespace == typeof(IMessageStore).Namespace)
            .Concat([typeof(IConfigurationStore), typeof(IKeyUseStore), typeof(INodes)])
            .ToList();
        Assert.That(interfaces, Has.Count.GreaterThan(15), "those of the folder are found");
        Assert.That(interfaces.Where(static one => !Contracts(one).Any(IsOnEveryDatabase)).Select(static one => one.Name), Is.Empty);
    }

    /// <summary>What one database alone needs has its own tests.</summary>
    [Test]
    public void Interface_OfNodes_HasTests() =>
        Assert.That(
            typeof(MailPipeline)
                .Assembly.GetExportedTypes()
                .Where(static type => type.IsInterface && type.Namespace == typeof(INodes).Namespace)
                .Where(static one => !Contracts(one).Any())
                .Select(static one => one.Name),
            Is.Empty
        );

    [Test]
    public void Contract_IsOnEveryDatabase() =>
        Assert.That(
            typeof(ContractTests)
                .Assembly.GetTypes()
                .Where(static type => !type.IsAbstract && type.Name.EndsWith("Contract`1", StringComparison.Ordinal))
                .Where(static type => !IsOnEveryDatabase(type))
                .Select(static type => type.Name),
            Is.Empty
        );

    [Test]
    public void Contract_HoldsNoSql()
    {
        var files = Repository
            .Sources("MailProxy.Tests")
            .Where(static file => file.EndsWith("Contract.cs", StringComparison.Ordinal))
            .ToList();
        Assert.That(files, Has.Count.GreaterThan(40));
        Assert.That(files.Where(static file => Sql().IsMatch(File.ReadAllText(file))).Select(Path.GetFileName), Is.Empty);
    }

    [TestCase("\"SELECT 1\"")]
    [TestCase("$\"UPDATE queue SET state = {state}\"")]
    [TestCase("INSERT INTO a")]
    [TestCase("DELETE FROM a")]
    public void Sql_IsSeen(string text) => Assert.That(Sql().IsMatch(text));

    private static IEnumerable<Type> Contracts(Type store) =>
        typeof(ContractTests)
            .Assembly.GetTypes()
            .Where(type =>
                type.GetCustomAttributesData()
                    .Any(one => one.AttributeType == typeof(TestOfAttribute) && one.ConstructorArguments[0].Value is Type of && of == store)
            );

    private static bool IsOnEveryDatabase(Type contract)
    {
        var on = contract
            .GetCustomAttributesData()
            .Where(static one => one.AttributeType == typeof(TestFixtureAttribute))
            .SelectMany(static one => one.ConstructorArguments)
            .SelectMany(static argument => argument.Value as IEnumerable<CustomAttributeTypedArgument> ?? [])
            .Select(static argument => argument.Value);
        return Benches.All(on.Contains);
    }

    [GeneratedRegex(@"\b(SELECT\s|INSERT INTO\s|UPDATE\s+\w+\s+SET\s|DELETE FROM\s|PRAGMA\s)")]
    private static partial Regex Sql();
}
