// Grammars that were read lately. A job of many pages asks for the same one each time, and a large schema's takes
// longer to read than an answer to begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "grammar/grammar.h"
#include "medinfer/status.h"

namespace medinfer {

// One thread.
class GrammarMemo {
 public:
  // `vocab` outlives it.
  explicit GrammarMemo(const llama_vocab* vocab) : vocab_(vocab) {}

  // As GrammarConstraint::Create and, with a filler, FindShortest. The caller's own.
  Result<std::unique_ptr<GrammarConstraint>> Read(const std::string& grammar, std::uint32_t max_blanks,
                                                  std::optional<char> filler);

  std::size_t size() const { return entries_.size(); }

  static constexpr std::size_t kMostGrammars = 16;
  static constexpr std::size_t kLongest = 1U << 18U;  // bytes of a grammar that is kept

 private:
  struct Entry {
    std::string grammar;
    std::uint32_t max_blanks;
    std::optional<char> filler;
    std::unique_ptr<GrammarConstraint> read;
  };

  const llama_vocab* vocab_;
  std::list<Entry> entries_;  // most recently used first
};

}  // namespace medinfer
