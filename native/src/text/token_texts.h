// What the tokens of one request are written as in the stream in which stops and tags are looked for.
//
// A control token is not a part of an answer, so it is written as nothing. But a stop string or a tag can be one, as
// "[THINK]" is in some vocabularies: the control tokens that a request names are written out, and marked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

struct llama_vocab;

namespace medinfer {

class TokenTexts {
 public:
  // `named`: texts of control tokens; others are ignored. `vocab` outlives it.
  TokenTexts(const llama_vocab* vocab, const std::vector<std::string>& named);

  // The bytes of a token: a part of a character where it is one. Empty for a control token that is not named.
  std::string_view Of(std::int32_t token) const;
  // Those of any token, written out.
  std::string_view Written(std::int32_t token) const;
  // Whether it is a control token that is named.
  bool IsNamed(std::int32_t token) const { return named_.contains(token); }

 private:
  const llama_vocab* vocab_;
  std::unordered_set<std::int32_t> named_;
};

}  // namespace medinfer
