/** Words of OpenAI's and Anthropic's APIs that this server refuses, and may name when it does. */
export const refusedWords: readonly string[] = [
  // parts and items
  ...["file", "input_file", "input_audio", "document", "item_reference", "search_result", "container_upload"],
  // roles and kinds of tools
  ...[
    "function",
    "custom",
    "web_search",
    "web_search_preview",
    "file_search",
    "code_interpreter",
    "computer_use_preview",
  ],
  ...["image_generation", "mcp", "local_shell", "shell", "apply_patch"],
  // fields
  ...["functions", "function_call", "modalities", "audio", "web_search_options", "verbosity", "conversation"],
  ...["background", "previous_response_id", "max_tool_calls", "prompt", "truncation", "container", "mcp_servers"],
];
