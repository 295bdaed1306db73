// Looks over a GBNF text before it is parsed: llama.cpp's parser recurses with every parenthesis, loops for hours where
// a repetition's minimum exceeds its maximum, and takes a maximum above 2000 for none at all.
#pragma once

#include <string_view>

#include "medinfer/status.h"

namespace medinfer {

// kInvalidArgument where the text is out of bounds. What is not well-formed otherwise is left to the parser.
Status ScanGrammar(std::string_view text);

// E.g. "line 3, column 7".
std::string PlaceIn(std::string_view text, std::size_t at);

}  // namespace medinfer
