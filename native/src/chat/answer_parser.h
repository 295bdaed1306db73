// Reads a model's turn by the parser that llama.cpp's chat sources make for its format.
#pragma once

#include <chat.h>
#include <peg-parser.h>

#include <string>
#include <string_view>

#include "medinfer/answer_format.h"

namespace medinfer {

// `text`: from the beginning of the turn on. Never throws for what a text holds.
ParsedAnswer ParseAnswer(const common_peg_arena& arena, common_chat_format format, const std::string& text);

}  // namespace medinfer
