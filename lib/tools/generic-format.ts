import { toolCallTags } from "../chat/generic-tools.js";

/**
 * A chat template whose calls look as generic-tools.ts tells a model to write them: what answers are read by where the
 * chat template has no form for calls. Prompts are not made with it.
 */
export const genericFormat = [
  "{%- if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}",
  "{%- for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}",
  "{%- for call in message.tool_calls or [] %}\n",
  `${toolCallTags.open}\n{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}\n`,
  `${toolCallTags.close}{% endfor %}<|im_end|>\n{% endfor %}`,
  "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
].join("");
