// A text, or a query with a document, as an embedding or ranking model reads it: whole, with what its file puts around.
//
// Nothing in the texts acts as a control token. A pair has llama.cpp's form: the file's template "rerank" where there
// is one, else the query and the document with BOS, EOS and SEP as the vocabulary wants them.
//
// Immutable: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "medinfer/status.h"

struct llama_vocab;

namespace medinfer {

class PromptTokenizer;

struct FramedText {
  std::vector<std::int32_t> tokens;
  std::uint32_t cut = 0;  // tokens that were left out at the end of the text, or of the document
};

class TextFramer {
 public:
  // `pair_template`: with the places {query} and {document}; empty: none. Tokenizer and vocabulary outlive it.
  TextFramer(const PromptTokenizer& tokenizer, const llama_vocab* vocab, std::string pair_template);

  // At most `most` tokens; what is beyond them is cut off, inside the frame. Fail as PromptTokenizer::Tokenize, and
  // with kContextFull where what stands around the text, or the query alone, has no room.
  Result<FramedText> Frame(std::string_view text, std::uint32_t most) const;
  Result<FramedText> FramePair(std::string_view query, std::string_view document, std::uint32_t most) const;

 private:
  using Tokens = std::vector<std::int32_t>;

  Result<Tokens> Plain(std::string_view text) const;
  Result<Tokens> FillTemplate(std::string_view query, std::string_view document) const;
  Result<FramedText> FrameInTemplate(std::string_view query, std::string_view document, std::uint32_t most) const;

  const PromptTokenizer& tokenizer_;
  const llama_vocab* vocab_;
  const std::string pair_template_;
};

}  // namespace medinfer
