// Where a text is that begins with reasoning between tags, or at once with the answer. Says of a text what
// lib/generation/thinking-splitter.ts says of it for a request with a grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "medinfer/request.h"

namespace medinfer {

// Most white space before an opening tag, behind a closing one, and before the answer: what models are trained to write
// there, and bounded, because a model that may write nothing else can go on for ever.
inline constexpr std::uint32_t kMaxBlanks = 8;

constexpr bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The tags, ready to be looked for. REQUIRES: neither is empty.
struct TagPatterns {
  explicit TagPatterns(ReasoningTags tags);

  const ReasoningTags tags;
  const bool skips_blanks;                   // before the opening tag
  const std::vector<std::size_t> fallbacks;  // of the closing tag: Knuth, Morris and Pratt's table
};

class TagTracker {
 public:
  enum class Phase : std::uint8_t {
    kBefore,  // the text may still become the opening tag
    kInside,  // between the tags
    kBehind,  // behind the closing tag
    kDirect,  // the answer, from the text's beginning on
  };

  // `patterns` outlives it.
  explicit TagTracker(const TagPatterns& patterns)
      : patterns_(&patterns), phase_(patterns.tags.starts_open ? Phase::kInside : Phase::kBefore) {}

  Phase phase() const { return phase_; }

  // Takes more text, until it knows that the answer has begun, and returns what is left of it: behind a closing tag the
  // beginning of the answer. REQUIRES: the phase is kBefore or kInside.
  std::string_view Push(std::string_view text);

 private:
  void Before(char c);
  void Inside(char c);

  const TagPatterns* patterns_;
  Phase phase_;
  std::uint32_t blanks_ = 0;  // before the opening tag
  std::size_t matched_ = 0;   // bytes of the tag that is looked for
};

}  // namespace medinfer
