import { registerChatTemplate, renderChat } from "medinfer";

const messages = [
  { role: "system", content: "You are a helpful assistant." },
  { role: "user", content: "What is gout?" },
];

// By name; no model is needed.
console.log(renderChat("vicuna", messages).prompt);

// One of your own: a Jinja template, or a function.
registerChatTemplate(
  "plain",
  (turns, { addGenerationPrompt }) =>
    turns.map(({ role, content }) => `### ${role}: ${content}\n`).join("") +
    (addGenerationPrompt ? "### assistant:" : ""),
  { stopStrings: ["###"], roles: ["system", "user", "assistant"] },
);
console.log(renderChat("plain", messages).prompt);
