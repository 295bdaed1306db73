/** The templates of the Meditron models: those of its deployment, of its model card and of its evaluation. */
import type { TemplateDefinition } from "../definition.js";
import { colonTemplate, plainTemplate } from "./fastchat.js";
import { birthdayShot, listeriaShot } from "./shots.js";

/** Meditron's deployment speaks of such a text and does not give it: this one is ours. */
const systemMessage =
  "You are a careful medical assistant. Answer medical questions accurately and in plain language, " +
  "from established evidence. Say when you are unsure, or when the question leaves out what an answer needs. " +
  "You do not replace an examination by a doctor: advise one where it is called for.";

const helpful =
  "A chat between a curious human and an artificial intelligence assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the human's questions.";

/** The three deployment templates share these. */
const deploymentStops = ["###", "<|im_start|>", "<|im_end|>", "$$$", "thank you for your help"];

/** A model whose vocabulary has no such tokens spells them out. */
const tagStops = ["<|im_start|>", "<|im_end|>"];

const oneShot = colonTemplate(
  {
    name: "one_shot",
    system: helpful,
    labels: { user: "Human", assistant: "Assistant" },
    shots: birthdayShot,
    stopStrings: deploymentStops,
  },
  "\n### ",
);

const oneShotMedical = colonTemplate(
  {
    name: "one_shot_medical",
    system: systemMessage,
    labels: { user: "User", assistant: "Assistant" },
    shots: listeriaShot,
    stopStrings: deploymentStops,
  },
  "\n### ",
);

const meditron = plainTemplate(
  {
    name: "meditron",
    system: systemMessage,
    labels: { user: "<|im_start|> user\n", assistant: "<|im_start|> assistant\n" },
    stopStrings: deploymentStops,
  },
  "<|im_start|> system\n",
  "<|im_end|>\n",
);

/** Roles of a question and an answer, and the usual names for them. */
const questionAndAnswer = (head: string) => ({
  question: `${head}question\n`,
  answer: `${head}answer\n`,
  user: `${head}question\n`,
  assistant: `${head}answer\n`,
});

/** The form on the model card of the fine-tuned models. */
const meditronQa = plainTemplate(
  { name: "meditron-qa", labels: questionAndAnswer("<|im_start|>"), stopStrings: tagStops },
  "<|im_start|>system\n",
  "<|im_end|>\n",
);

/** The evaluation's form for models tuned on Orca data. */
const evalOrca = plainTemplate(
  { name: "meditron-eval-orca", labels: questionAndAnswer("<|im_start|> "), stopStrings: tagStops },
  "<|im_start|> system\n",
  "<|im_end|>\n",
);

/** The evaluation's form for models tuned on medical data: every turn but the first is indented by a space. */
const evalMedical = plainTemplate(
  {
    name: "meditron-eval-medical",
    labels: { user: "<|im_start|> user\n", assistant: "<|im_start|> assistant\n" },
    stopStrings: tagStops,
  },
  "<|im_start|> system\n",
  "<|im_end|>\n ",
);

export const meditronFamily: readonly TemplateDefinition[] = [
  oneShot,
  oneShotMedical,
  meditron,
  meditronQa,
  evalOrca,
  evalMedical,
];
