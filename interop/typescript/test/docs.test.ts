// Looks at the reference in a browser. CHROMIUM names its program.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import puppeteer from "puppeteer-core";

const ready = JSON.parse(readFileSync(process.env["TENSORBAY_READY"]!, "utf8"));
const chromium = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

test("the reference shows an operation with its example, and values", { skip: !existsSync(chromium) && !process.env["CI"] && "there is no chromium" }, async () => {
  const browser = await puppeteer.launch({
    executablePath: chromium, acceptInsecureCerts: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1200, height: 1600 });
    const requested: string[] = [];
    page.on("request", (request) => requested.push(new URL(request.url()).pathname));
    await page.goto(new URL("/docs", ready.url).href);

    const shown = () => page.$eval("#createJob .example", (e) => (e as unknown as { checkVisibility(): boolean }).checkVisibility());
    assert.equal(await shown(), false, "the operation is closed");
    await page.click("#createJob summary");
    assert.equal(await shown(), true);
    const text = () => page.$eval("#createJob", (e) => (e as unknown as { innerText: string }).innerText);
    assert.match(await text(), /"sourceBranchName": "dev"/);
    assert.match(await text(), /two equal\s+requests create two jobs/);

    for (const [schema, values] of Object.entries({
      JobType: ["squashAndMerge", "basicSearch"], JobStatus: ["QUEUING", "PROCESSING", "SUCCESS", "FAILED", "ABORTED"],
      LabelType: ["CLASSIFICATION", "BOX2D", "KEYPOINTS2D", "PANOPTIC_MASK"],
    })) {
      await page.click(`nav a[href="#${schema}"]`);
      await page.waitForSelector(`#${schema} .values`, { visible: true });
      const listed = await page.$$eval(`#${schema} .values code`, (codes) => codes.map((c) => (c as unknown as { innerText: string }).innerText));
      for (const value of values) assert.ok(listed.includes(value), `${schema}: ${value}`);
    }
    assert.deepEqual(requested.filter((path) => path !== "/favicon.ico"), ["/docs"], "the page needs no other file");
    if (process.env["SCREENSHOT"]) await page.screenshot({ path: process.env["SCREENSHOT"] as `${string}.png` });
  } finally {
    await browser.close();
  }
});
