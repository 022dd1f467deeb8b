// Journeys of a person through the page, in a real browser. Called with the name of one; what it needs stands in the environment as JSON.
// Each step waits for what it expects to see; what does not come in time is the failure.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [tools, name] = process.argv.slice(2);
const given = JSON.parse(process.env.JOURNEY);
const require = createRequire(tools + "/package.json");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const wrong = [];
const browser = await chromium.launch({ executablePath: given.browser, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const context = await browser.newContext({
  viewport: given.phone ? { width: 390, height: 800 } : { width: 1280, height: 900 },
  colorScheme: given.dark ? "dark" : "light",
});
context.setDefaultTimeout(30_000);
const page = await context.newPage();
page.on("console", (line) => line.type() === "error" && !given.refused && wrong.push(`console at ${page.url()}: ${line.text()}`));
page.on("pageerror", (error) => wrong.push(`script at ${page.url()}: ${error}`));
page.on("requestfinished", (request) => {
  const url = request.url();
  if (!url.startsWith(given.base) && !url.startsWith("data:") && !url.startsWith(given.base.replace(/\/ui\/$/, "/"))) {
    wrong.push(`loads from elsewhere: ${url}`);
  }
});
page.on("dialog", (dialog) => dialog.accept());

const at = (path) => page.goto(given.base + path);
const see = (text) => page.getByText(text).first().waitFor();
const heading = (text) => page.getByRole("heading", { level: 1, name: text }).waitFor();
const button = (label) => page.getByRole("button", { name: label, exact: true });
const expect = (holds, what) => {
  if (!holds) throw new Error(what);
};

async function signIn(key = given.key) {
  await at("");
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.keyboard.press("Enter");
}

async function fields(values) {
  for (const [id, value] of Object.entries(values)) {
    const field = page.locator(`#field-${id}`);
    if (await field.evaluate((one) => one.tagName === "SELECT")) await field.selectOption(value);
    else await field.fill(value);
  }
}

async function judge(view) {
  const found = await page.evaluate(`${axe}; axe.run({ runOnly: ${JSON.stringify(standards)} })`);
  for (const one of found.violations) wrong.push(`${view}: ${one.id} at ${one.nodes.map((node) => node.target.join(" ")).slice(0, 3)}`);
}

const journeys = {
  async signIn() {
    await at("messages?q=status%3Asent");
    await heading("MailProxy");
    await page.getByLabel("Key", { exact: true }).fill("not-a-key");
    await page.keyboard.press("Enter");
    await see("This is not a key");
    await page.getByLabel("Key", { exact: true }).fill(given.key);
    await page.keyboard.press("Enter");
    await heading("Messages");
    expect(page.url().endsWith("messages?q=status%3Asent"), `is at ${page.url()}`);
    const cookie = (await context.cookies()).find((one) => one.name === "mailproxy_session");
    expect(cookie.httpOnly && cookie.sameSite === "Strict", JSON.stringify(cookie));
    expect(!(await page.content()).includes(given.key), "the key stands in the view");
    await button("Sign out").click();
    await heading("MailProxy");
    await at("messages");
    await heading("MailProxy");
  },

  async failedMail() {
    await signIn();
    await heading("Overview");
    await page.getByLabel("Search messages").fill("to:bad@example.org");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Your order" }).click();
    await heading("Your order");
    await see("5.1.1 no such user");
    await button("Retry now").click();
    await see("Retry now: done.");
    for (;;) {
      if (await page.locator("main .status.sent").first().isVisible()) break;
      await page.reload();
    }
  },

  async holdAndUndo() {
    await signIn();
    await heading("Overview");
    await at("messages?q=batch%3Abig");
    await page.getByLabel(/Do with all that match/).selectOption("hold");
    await button("Show the effect").click();
    await see("10000 of 10000 messages would be changed");
    await button("Hold 10000 messages").click();
    await page.getByText("10000 of 10000: 10000 changed").waitFor({ timeout: 60_000 });
    await at("messages?q=batch%3Abig%20status%3Aheld");
    await page.locator("tr[data-row]").first().waitFor();
    await page.goBack();
    await button("Undo").click();
    await see("The undo has begun.");
    await page.getByRole("link", { name: /undo/ }).first().click();
    await page.getByText("10000 of 10000: 10000 changed").waitFor({ timeout: 60_000 });
    await at("messages?q=batch%3Abig%20status%3Aheld");
    await see("No message.");
  },

  async newAccount() {
    await signIn();
    await heading("Overview");
    await page.getByRole("link", { name: "Accounts", exact: true }).click();
    await page.getByRole("link", { name: "New account" }).click();
    await page.getByRole("link", { name: given.title }).click();
    await page.getByLabel("Name of the account").fill("relay");
    await fields({ ...given.fields, [given.wrong]: "no such thing" });
    await button("Save and test").click();
    await see(given.mistake);
    await fields(given.fields);
    await button("Save and test").click();
    await page.getByRole("alert", { name: "Result of the test" }).getByText(given.trouble).waitFor();
    await page.getByRole("link", { name: "relay", exact: true }).click();
    await heading("Account relay");
    await page.getByLabel(/Settings as JSON/).fill('{ "host": "127.0.0.1", "security": "non" }');
    await button("Save").click();
    await see("/security");
    await button("Test").click();
    await see(given.trouble);
  },

  async readOnly() {
    await signIn(given.reader);
    await heading("Overview");
    await see("(reads only)");
    await at("messages/held-1");
    await heading("Held");
    expect(await button("Release").isDisabled(), "a button acts");
    given.refused = true;
    const forged = await page.evaluate(async () => {
      const form = new FormData(document.querySelector('form[action="do"]'));
      return (await fetch("do", { method: "POST", body: new URLSearchParams(form), redirect: "manual" })).type;
    });
    expect(forged === "opaqueredirect", `the form was answered as ${forged}`);
    await page.reload();
    await see("The key needs the scope send.");
    const bare = await page.evaluate(async () =>
      (await fetch("do", { method: "POST", body: new URLSearchParams({ path: "messages/held-1/release" }) })).status);
    expect(bare === 400, `without a token of the form it was answered with ${bare}`);
    await see("held");
  },

  async otherTenant() {
    await signIn(given.acme);
    await heading("Overview");
    await at("messages");
    await see("Of acme");
    expect((await page.getByText("Of default").count()) === 0, "shows another tenant's message");
    await at("messages?tenant=default");
    expect((await page.getByText("Of default").count()) === 0, "shows another tenant's message by address");
    given.refused = true;
    await at("messages/held-1?tenant=default");
    await see("There is no such message.");
    for (const closed of ["audit", "system", "tenants"]) {
      expect((await page.getByRole("link", { name: closed, exact: false }).count()) === 0, `leads to ${closed}`);
      await at(closed);
      expect((await page.getByText("admin.key").count()) === 0 && (await page.getByText("default").count()) === 0, `shows ${closed}`);
    }
  },

  async replay() {
    await signIn();
    await heading("Overview");
    await at("webhooks");
    await page.getByRole("link", { name: "crm" }).click();
    await heading("Webhook crm");
    await button("Test").click();
    await page.getByRole("status", { name: "Answer" }).getByText("true").waitFor();
    await button("Replay").click();
    await see("The replay has begun.");
    await page.getByRole("region", { name: "Last answers" }).getByRole("cell", { name: "200", exact: true }).first().waitFor();
    if (given.shots) await page.screenshot({ path: `${given.shots}/answers.png`, fullPage: true });
  },

  async importFile() {
    await signIn();
    await heading("Overview");
    await at("suppressions");
    const lines = Array.from({ length: given.lines }, (_, i) => `reader-${i}@mail.example.org,gone away`);
    lines[1] = "not an address";
    await page.getByLabel(/^CSV/).setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(lines.join("\n")) });
    await button("Import").click();
    await page.getByText(/MB taken in/).waitFor();
    expect(await button("Import").isDisabled(), "it can be begun twice");
    if (given.shots) await page.screenshot({ path: `${given.shots}/importing.png` });
    await page.getByText(given.told).waitFor({ timeout: 120_000 });
    await page.getByRole("cell", { name: "2", exact: true }).waitFor();
    await judge("suppressions after an import");
    if (given.shots) await page.screenshot({ path: `${given.shots}/imported.png` });
  },

  async sandbox() {
    await signIn();
    await heading("Overview");
    await at("sandbox");
    await see("0 of 0 mails");
    await page.locator('[data-live="True"]').waitFor(); // the connection stands
    const posted = await page.request.post(given.base.replace("ui/", "v1/messages"), {
      headers: { Authorization: `Bearer ${given.key}` },
      data: {
        from: "shop@example.com", to: "ann@example.org", subject: "It came by itself", text: "plain words",
        html: '<h1>Rendered</h1><script>document.title = "ran"</script><img src="http://127.0.0.1:9/pixel.png">',
      },
    });
    expect(posted.ok(), await posted.text());
    await page.getByRole("link", { name: "It came by itself" }).waitFor();
    given.refused = true; // what the frame may not do is told on the console
    await page.getByRole("link", { name: "It came by itself" }).click();
    await page.frameLocator("iframe").getByRole("heading", { name: "Rendered" }).waitFor();
    expect((await page.title()) !== "ran", "a script of the mail ran");
    await page.getByRole("link", { name: "Phone width" }).click();
    await page.locator("iframe.phone").waitFor();
    expect((await page.locator("iframe.phone").boundingBox()).width === 390, "is not as wide as a phone");
    await page.getByText("Text", { exact: true }).click();
    await see("plain words");
  },

  async phone() {
    await signIn();
    await heading("Overview");
    for (const view of given.views) {
      await at(view);
      await page.getByRole("heading", { level: 1 }).waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= 390, `${view} is ${wide} pixels wide`);
      await judge(`${view} on a phone`);
    }
  },

  async keyboard() {
    await at("");
    await page.keyboard.type(given.key);
    await page.keyboard.press("Enter");
    await heading("Overview");
    await page.waitForLoadState("load"); // keys are listened for by a script, which is there then
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await heading("Messages");
    await page.keyboard.press("/");
    await page.keyboard.type("sta");
    await page.getByRole("option", { name: "status:" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("option", { name: "status:held" }).waitFor();
    await page.keyboard.type("he");
    await page.getByRole("option").nth(1).waitFor({ state: "detached" });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.waitForURL(/status%3Aheld/);
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await heading("Held");
    await button("Release").focus();
    await page.keyboard.press("Enter");
    await see("Release: done.");
  },

  async everyView() {
    await signIn();
    await heading("Overview");
    for (const view of given.views) {
      await at(view);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await judge(view);
      if (given.shots) await page.screenshot({ path: `${given.shots}/${view.replace(/\W+/g, "_") || "overview"}.png` });
    }
  },
};

try {
  await journeys[name]();
} catch (error) {
  wrong.push(`${error.message}\nat ${page.url()}:\n${(await page.locator("body").innerText().catch(() => "")).slice(0, 1500)}`);
} finally {
  await browser.close();
}

if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
