import { Engine } from "medinfer";

const image = new URL("./prescriptions/00000.png", import.meta.url);
const engine = await Engine.load({ chatTemplate: "vicuna" });
const { text, usage } = await engine.chat({
  messages: [
    {
      role: "user",
      content: [
        { type: "image", image },
        { type: "text", text: "\nExtract demografig, clinical disease and medication informations" },
      ],
    },
  ],
  sampling: { temperature: 0.05, repeatPenalty: 1.18, repeatLastN: 256 },
  stopStrings: ["</s>", "User:"],
}).result;
console.log(text.trim());
console.log(`${usage.imageTokens} of ${usage.promptTokens} prompt tokens are the image`);
await engine.close();
