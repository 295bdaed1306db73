import { registerChatTemplate, renderChat } from "medinfer";

const messages = [
  { role: "system", content: "You are a helpful assistant." },
  { role: "user", content: "What is gout?" },
];

// One of llama.cpp's, by name.
console.log(renderChat("vicuna", messages).prompt);

// One of your own: a Jinja template, or a function.
registerChatTemplate("plain", (turns, { addGenerationPrompt }) => ({
  prompt:
    turns.map(({ role, content }) => `### ${role}: ${content}\n`).join("") +
    (addGenerationPrompt ? "### assistant:" : ""),
  stopStrings: ["###"],
}));
console.log(renderChat("plain", messages).prompt);
