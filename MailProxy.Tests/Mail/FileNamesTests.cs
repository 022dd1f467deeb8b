using System.Text;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

public sealed class FileNamesTests
{
    [TestCase("report.pdf")]
    [TestCase("Rechnung für März.pdf")]
    [TestCase("東京 2030.xlsx")]
    [TestCase("archive.tar.gz")]
    [TestCase("CONTRACT.pdf")]
    [TestCase("console.log")]
    [TestCase("COM10.txt")]
    [TestCase("👍🏽.png")]
    public void Safe_Harmless_StaysAsItIs(string name) => Assert.That(FileNames.Safe(name), Is.EqualTo(name));

    [TestCase("../../etc/passwd", "__.._etc_passwd")]
    [TestCase("..\\..\\boot.ini", "__.._boot.ini")]
    [TestCase("/etc/passwd", "_etc_passwd")]
    [TestCase("C:\\autoexec.bat", "C__autoexec.bat")]
    [TestCase("a.txt::$DATA", "a.txt__$DATA")]
    [TestCase("what?.txt", "what_.txt")]
    [TestCase("a<b>|\"c\"*.txt", "a_b___c__.txt")]
    [TestCase(".bashrc", "_bashrc")]
    [TestCase("...", "attachment")]
    [TestCase("..", "attachment")]
    [TestCase(" ", "attachment")]
    [TestCase("", "attachment")]
    [TestCase("/", "attachment")]
    [TestCase("setup.exe. . ", "setup.exe")]
    [TestCase("CON", "_CON")]
    [TestCase("con.txt", "_con.txt")]
    [TestCase("Lpt1.tar.gz", "_Lpt1.tar.gz")]
    [TestCase("COM0", "_COM0")]
    [TestCase("nul .txt", "_nul .txt")]
    [TestCase("invoice\u202Efdp.exe", "invoicefdp.exe")]
    [TestCase("a\u2066b\u2069.txt", "ab.txt")]
    [TestCase("a\r\nX-Evil: 1.txt", "a__X-Evil_ 1.txt")]
    [TestCase("a\0b.txt", "a_b.txt")]
    [TestCase("a\u2028b.txt", "a_b.txt")]
    public void Safe_Hostile_IsMadeHarmless(string name, string safe) => Assert.That(FileNames.Safe(name), Is.EqualTo(safe));

    [Test]
    public void Safe_TooLongForDisks_KeepsWholeCharactersAndTheExtension()
    {
        var safe = FileNames.Safe(new string('ä', 250) + ".pdf");

        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetByteCount(safe), Is.LessThanOrEqualTo(255));
            Assert.That(safe, Is.EqualTo(new string('ä', 125) + ".pdf"));
        });
    }

    [Test]
    public void Safe_HalfASurrogatePair_IsReplaced() =>
        Assert.That(FileNames.Safe(string.Concat("half", "\uD83D\uDE00"[..1], ".txt")), Is.EqualTo("half_.txt"));

    [Test]
    public void Safe_OneDotInALongName_TheWholeIsShortened() =>
        Assert.That(FileNames.Safe("a." + new string('x', 400)), Is.EqualTo("a." + new string('x', 253)));
}
