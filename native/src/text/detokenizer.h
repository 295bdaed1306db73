// Turns the tokens of one sequence into text, piece by piece. Byte-fallback tokens carry parts of characters, so a
// piece alone need not be valid UTF-8: StopMatcher waits for the rest.
#pragma once

#include <cstdint>
#include <string>

struct llama_vocab;

namespace medinfer {

// The bytes of one token. `special`: write control tokens out instead of leaving them empty.
std::string TokenPiece(const llama_vocab* vocab, std::int32_t token, bool special);

}  // namespace medinfer
