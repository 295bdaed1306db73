import { registerChatTemplate, registerModelAdapter, renderChat } from "medinfer";

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

// Many templates have variables of their own, such as `enable_thinking`.
const switched =
  "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}" +
  "assistant:{% if not enable_thinking %} <think></think>{% endif %}";
console.log(renderChat(switched, messages, { templateArguments: { enable_thinking: false } }).prompt);

// What models of one family need, found by their path, name or template when one is loaded.
registerModelAdapter({ name: "triage", matches: /triage-7b/i, chatTemplate: "chatml", stopStrings: ["###"] });
