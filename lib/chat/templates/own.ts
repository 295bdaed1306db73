/** The chat templates that are written here, by name. They need no model and no addon. */
import type { TemplateDefinition } from "../definition.js";
import { llama2Family } from "./llama2.js";
import { meditronFamily } from "./meditron.js";
import { chatml, imStart, vicuna, vicunaOrca } from "./turns.js";

export const ownTemplates: ReadonlyMap<string, TemplateDefinition> = new Map(
  [vicuna, vicunaOrca, chatml, imStart, ...llama2Family, ...meditronFamily].map((template) => [
    template.name,
    template,
  ]),
);
