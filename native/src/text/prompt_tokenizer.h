// Text as tokens, with control tokens where they may act and nowhere else.
//
// llama.cpp's tokenizer reads control tokens in all of a text or in none of it. A prompt has both: the template's act,
// what a user wrote does not. Cut into pieces for that, plain text gets other tokens than it has in one piece. So the
// special tokens are found here, by llama.cpp's own rules (the longest first, each from left to right), and what lies
// between them is tokenised by llama.cpp, as it does itself.
//
// Immutable: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "medinfer/status.h"

struct llama_vocab;

namespace medinfer {

// A piece of a text; neighbours are read as one text.
struct TextPiece {
  std::string_view text;      // UTF-8
  bool parse_special = true;  // whether "</s>" is the control token or four characters
};

class PromptTokenizer {
 public:
  // `vocab` outlives it.
  explicit PromptTokenizer(const llama_vocab* vocab);

  // The tokens of a text, none put around it. A control token counts where all of it lies in pieces that parse them.
  // kInvalidArgument where the text is longer than 1 GB, or the vocabulary has no tokens for a part of it.
  Result<std::vector<std::int32_t>> Tokenize(const std::vector<TextPiece>& pieces) const;

  // The text of tokens: what Tokenize reads as these, as far as the vocabulary keeps a text as it is. `special`:
  // control tokens are written out. REQUIRES: every token is in the vocabulary.
  std::string Detokenize(const std::vector<std::int32_t>& tokens, bool special) const;

  // BOS in front, where the vocabulary asks for it and the prompt does not have it.
  void AddBos(std::vector<std::int32_t>& tokens) const;
  // What the vocabulary puts behind a whole text: EOS or SEP. No prompt has it: there the model goes on.
  void AddEnd(std::vector<std::int32_t>& tokens) const;

 private:
  struct Special {
    std::int32_t token = -1;
    std::uint32_t length = 0;  // bytes
    bool control = false;      // counts only where control tokens are parsed
    bool strips_left = false;  // takes the white space before it
    bool strips_right = false;
  };
  struct Node {
    std::int32_t special = -1;  // index into specials_ of what ends here
    std::vector<std::pair<unsigned char, std::uint32_t>> children;
  };
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;  // with the white space that is stripped, as `begin`
    std::int32_t token = -1;
  };
  class Partition;

  void Insert(std::string_view text, std::int32_t special);
  bool IsSpecial(std::int32_t token) const;
  bool PrependsBlank() const;
  const Node* Child(const Node& node, char byte) const;
  Status AppendPlain(std::string_view text, std::vector<std::int32_t>& tokens) const;

  const llama_vocab* vocab_;
  std::vector<Special> specials_;  // in the order in which they are looked for
  std::vector<Node> nodes_;        // a trie of their texts; nodes_[0] is its root
};

}  // namespace medinfer
