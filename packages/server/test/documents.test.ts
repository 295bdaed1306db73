/** Documents in requests: their pages are shown as images, through each of the APIs that have a part for them. */
import { readFileSync } from "node:fs";

import { DocumentReader } from "@medinfer/documents";
import sharp from "sharp";
import { describe, expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { pdfOfJpegs } from "../../../test/support/pdf-of-jpegs.mjs";
import { model, post, postJson, running } from "./support/running.js";

const { url } = running();
const greedy = { model, temperature: 0, max_tokens: 40 };
const prompt = "Extract demografig, clinical disease and medication informations";
const patient = "Quackenbush";

const jpegs = await Promise.all(
  ["00000", "00001"].map(async (name) => {
    const png = readFileSync(fromRoot("examples", "prescriptions", `${name}.png`));
    const { data, info } = await sharp(png).flatten().jpeg({ quality: 90 }).toBuffer({ resolveWithObject: true });
    return { jpeg: data, width: info.width, height: info.height };
  }),
);
const pdf = pdfOfJpegs(jpegs).toString("base64");
const onePage = pdfOfJpegs(jpegs.slice(0, 1)).toString("base64");

/** The pages of a document as parts of a chat. */
async function pictures(base64: string): Promise<object[]> {
  const reader = new DocumentReader();
  const parts: object[] = [];
  for await (const { image, mediaType } of reader.pages(Buffer.from(base64, "base64"))) {
    const source = `data:${mediaType};base64,${Buffer.from(image).toString("base64")}`;
    parts.push({ type: "image_url", image_url: { url: source } });
  }
  await reader.close();
  return parts;
}

/** What the model answers where it is sent the pages as images. */
async function answerToPictures(base64: string): Promise<{ text: string; promptTokens: number }> {
  const content = [...(await pictures(base64)), { type: "text", text: prompt }];
  const answer = await postJson(`${url()}/v1/chat/completions`, { ...greedy, messages: [{ role: "user", content }] });
  return { text: answer.choices[0].message.content, promptTokens: answer.usage.prompt_tokens };
}

describe("a document", () => {
  test.each([`data:application/pdf;base64,${pdf}`, pdf])("of a chat is its pages (%#)", async (sent) => {
    const wanted = await answerToPictures(pdf);
    const file = { type: "file", file: { filename: `${patient}.pdf`, file_data: sent } };
    const content = [file, { type: "text", text: prompt }];
    const answer = await postJson(`${url()}/v1/chat/completions`, { ...greedy, messages: [{ role: "user", content }] });
    expect(answer.usage.prompt_tokens).toBe(wanted.promptTokens);
    expect(answer.choices[0].message.content).toBe(wanted.text);
  });

  test("of a message of Anthropic's, with a title", async () => {
    const source = { type: "base64", media_type: "application/pdf", data: onePage };
    const content = [
      { type: "document", source },
      { type: "text", text: prompt },
    ];
    const answer = await postJson(`${url()}/v1/messages`, { ...greedy, messages: [{ role: "user", content }] });
    expect(answer.content[0].text.trim()).toBe((await answerToPictures(onePage)).text.trim());
    const titled = [{ ...content[0], title: "Referral" }, content[1]];
    const other = await postJson(`${url()}/v1/messages`, { ...greedy, messages: [{ role: "user", content: titled }] });
    expect(other.usage.input_tokens).toBeGreaterThan(answer.usage.input_tokens);
  });

  test("of a response", async () => {
    const content = [
      { type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${onePage}` },
      { type: "input_text", text: prompt },
    ];
    const asked = { model, temperature: 0, max_output_tokens: 40, input: [{ role: "user", content }] };
    const answer = await postJson(`${url()}/v1/responses`, asked);
    expect(answer.output[0].content[0].text.trim()).toBe((await answerToPictures(onePage)).text.trim());
  });

  test.each([
    ["AA==", "unsupported_document", "PDF, DICOM, TIFF"],
    [
      `data:application/pdf;base64,${Buffer.from("%PDF-1.4 ends here").toString("base64")}`,
      "invalid_document",
      "damaged",
    ],
    [`${patient} is no base64`, "invalid_document", "base64"],
    ["", "invalid_document", "base64"],
  ])("that cannot be read is refused: %j", async (sent, code, says) => {
    const content = [{ type: "file", file: { filename: `${patient}.pdf`, file_data: sent } }];
    const response = await post(`${url()}/v1/chat/completions`, { model, messages: [{ role: "user", content }] });
    const text = await response.text();
    expect(text).not.toContain(patient);
    const { error } = JSON.parse(text);
    expect([response.status, error.code]).toEqual([400, code]);
    expect(error.param).toBe("messages[0].content[0].file.file_data");
    expect(error.message).toContain(says);
  });

  test("that is named by a file_id is refused", async () => {
    const content = [{ type: "file", file: { file_id: "file-1" } }];
    const response = await post(`${url()}/v1/chat/completions`, { model, messages: [{ role: "user", content }] });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string } };
    expect(error.message).toContain("base64");
  });
});
