using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

internal sealed class SteppedMapTests
{
    [TestCase(1)]
    [TestCase(2)]
    public void Map_AfterRandomSteps_HasWhatADictionaryHasAndEarlierOnesStayAsTheyWere(int seed)
    {
        var random = new Random(seed);
        var model = Enumerable.Range(0, 300).ToDictionary(static key => key, static key => $"first {key}");
        var map = new SteppedMap<int, string>(model);
        var (before, modelBefore) = (map, new Dictionary<int, string>(model));
        for (var step = 0; step < 2_000; step++)
        {
            var key = random.Next(700);
            if (random.Next(2) == 0)
            {
                map = map.With(key, $"step {step}");
                model[key] = $"step {step}";
            }
            else
            {
                map = map.Without(key);
                model.Remove(key);
            }

            if (step == 1_000)
                (before, modelBefore) = (map, new(model));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(map, Is.EquivalentTo(model.Values));
            Assert.That(map.Count, Is.EqualTo(model.Count));
            Assert.That(Enumerable.Range(0, 700).Select(map.Find), Is.EqualTo(Enumerable.Range(0, 700).Select(model.GetValueOrDefault)));
            Assert.That(before, Is.EquivalentTo(modelBefore.Values), "an earlier map");
            Assert.That(before.Count, Is.EqualTo(modelBefore.Count), "an earlier map");
        }
    }
}
