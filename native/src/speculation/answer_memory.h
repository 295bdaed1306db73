// What the answers that followed one grammar have in common: rows of one schema are alike, keys and marks to the
// letter, and often values. Kept by grammar and cache salt, so that no tenant's answers shape what another's cost.
//
// Host memory alone, and a bounded part of it. Not thread-safe: belongs to the engine thread.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "speculation/next_tokens.h"

namespace medinfer {

class AnswerMemory {
 public:
  static constexpr std::size_t kGrammars = 32;
  static constexpr std::size_t kPlaces = 1U << 15U;  // of the table of each: 12 bytes a place

  // What is known of the answers that followed `key`, for Learn and Find, until the next call. A new key takes the
  // place of the one that was asked for least recently.
  NextTokens& Of(const std::string& key);

 private:
  struct Entry {
    std::string key;
    NextTokens answers{kPlaces};
  };

  std::list<Entry> entries_;  // the latest used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

}  // namespace medinfer
