// A set of symbols: code points, or the bytes that llama.cpp writes in their place.
#pragma once

#include <vector>

namespace medinfer {

class SymbolSet {
 public:
  static constexpr char32_t kLast = 0x10FFFF;

  // Both ends included; they are sorted and do not touch each other.
  struct Range {
    char32_t first;
    char32_t last;
  };

  SymbolSet() = default;
  SymbolSet(char32_t first, char32_t last) : ranges_{{first, last}} {}

  static SymbolSet All() { return {0, kLast}; }

  void Add(const SymbolSet& other);
  SymbolSet Complement() const;
  bool Contains(char32_t symbol) const;

  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

}  // namespace medinfer
