// Tries the page in a real browser against a running server in demo mode. How to run it: README.md.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const url = new URL(process.argv[2] ?? "http://127.0.0.1:8000/");
const executablePath = process.env.CHROMIUM;
assert(executablePath, "set CHROMIUM to the path of a Chromium or Chrome");

const args = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath, args }); // every launch has a new, empty profile
const page = await browser.newPage();
page.setDefaultTimeout(20_000);

const hosts = new Set();
const requests = [];
const complaints = [];
page.on("pageerror", (error) => complaints.push(error.message));
page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
page.on("request", (request) => {
  if (request.url().startsWith("data:")) return;
  hosts.add(new URL(request.url()).host);
  if (new URL(request.url()).pathname.endsWith("/graphql")) {
    requests.push({ authorization: request.headers().authorization, operation: request.postDataJSON().operationName });
  }
});

try {
  const config = await (await fetch(new URL("graphiql/config.json", url))).json();
  assert(config.roles?.length > 1 && config.examples?.length > 0, "the server must run in demo mode, with roles and examples");
  const isSchemaLoaded = () => page.getByText("Schema loaded").waitFor();

  await page.goto(url.href);
  await isSchemaLoaded();
  assert.equal(await page.title(), "xRM");

  // Every example opens in a tab of its own, as its role, and is answered with data.
  for (const { title, role } of config.examples) {
    const tabs = await page.getByRole("tab").count();
    await page.getByRole("button", { name: "Examples" }).click();
    await page.getByRole("menuitem", { name: title }).first().click();
    await isSchemaLoaded();
    assert.equal(await page.getByRole("tab").count(), tabs + 1, title);
    await page.getByRole("button", { name: /^Execute query/ }).click();
    await page.waitForFunction(() => document.querySelector(".graphiql-response").innerText.includes('"data"'));
    const shown = await page.getByLabel("Role").inputValue();
    if (role) assert.equal(shown, role, title);
    const { token } = config.roles.find(({ name }) => name === shown);
    assert.equal(requests.at(-1).authorization, `Bearer ${token}`, title);
  }

  // Each role asks for the schema anew, with its own token, and sees nothing of what another role was answered.
  for (const { name, token } of config.roles) {
    if ((await page.getByLabel("Role").inputValue()) === name) continue;
    const asked = page.waitForRequest((request) => request.headers().authorization === `Bearer ${token}`);
    await page.getByLabel("Role").selectOption(name);
    assert.equal((await asked).postDataJSON().operationName, "IntrospectionQuery", name);
    await isSchemaLoaded();
    assert.doesNotMatch(await page.locator(".graphiql-response").innerText(), /"data"/, name);
  }

  assert(!(await page.evaluate(() => JSON.stringify(localStorage))).includes(config.roles[0].token), "no token is kept");
  assert.deepEqual([...hosts], [url.host], "nothing is asked of another host");
  assert.deepEqual(complaints, [], "the browser has nothing to complain of");
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  console.log(`Fine: ${config.examples.length} examples and ${config.roles.length} roles tried.`);
} finally {
  await browser.close();
}
