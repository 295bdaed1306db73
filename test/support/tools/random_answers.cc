// Random texts of grammars, by llama.cpp's own parser with none of our code in it.
//
//   random_answers COUNT SEED
//
// stdin: grammars in GBNF, each ended by a null character. stdout: for each of them COUNT texts, each ended by a null
// character. What may repeat does so at random; where a text has become long, it goes on to its end by the shortest
// way.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "llama-grammar.h"

namespace medinfer::tools {
namespace {

constexpr std::size_t kLong = 300;  // bytes
constexpr long kEndless = 1000000;  // steps
constexpr long kFar = std::numeric_limits<int>::max();

void AppendUtf8(std::string& text, std::uint32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0U | c >> 6U);
    text += static_cast<char>(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0U | c >> 12U);
    text += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
    text += static_cast<char>(0x80U | (c & 0x3FU));
  } else {
    text += static_cast<char>(0xF0U | c >> 18U);
    text += static_cast<char>(0x80U | (c >> 12U & 0x3FU));
    text += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
    text += static_cast<char>(0x80U | (c & 0x3FU));
  }
}

class Writer {
 public:
  Writer(const std::string& grammar, unsigned seed) : parser_(nullptr), random_(seed) {
    if (!parser_.parse(grammar.c_str())) throw std::runtime_error("the grammar is wrong");
    for (const llama_grammar_rule& rule : parser_.rules) alternates_.push_back(AlternatesOf(rule));
    FindLengths();
  }

  std::string Text() {
    std::string text;
    std::vector<const llama_grammar_element*> open;
    long steps = 0;
    Open(parser_.symbol_ids.at("root"), text, open);
    while (!open.empty()) {
      const llama_grammar_element* at = open.back();
      open.pop_back();
      if (++steps > kEndless) throw std::runtime_error("the text does not end");
      if (at->type == LLAMA_GRETYPE_END || at->type == LLAMA_GRETYPE_ALT) continue;
      if (at->type == LLAMA_GRETYPE_RULE_REF) {
        open.push_back(at + 1);
        Open(at->value, text, open);
      } else {
        open.push_back(Character(at, text));
      }
    }
    return text;
  }

 private:
  using Alternates = std::vector<const llama_grammar_element*>;

  static Alternates AlternatesOf(const llama_grammar_rule& rule) {
    Alternates alternates{rule.data()};
    for (const llama_grammar_element& element : rule) {
      if (element.type == LLAMA_GRETYPE_ALT) alternates.push_back(&element + 1);
    }
    return alternates;
  }

  // The least number of elements that an alternate needs to end.
  long LengthOf(const llama_grammar_element* at) const {
    long length = 1;
    for (; at->type != LLAMA_GRETYPE_END && at->type != LLAMA_GRETYPE_ALT; ++at) {
      length += at->type == LLAMA_GRETYPE_RULE_REF ? lengths_[at->value] : 1;
    }
    return std::min(length, kFar);
  }

  void FindLengths() {
    lengths_.assign(alternates_.size(), kFar);
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = 0; i < alternates_.size(); ++i) {
        for (const llama_grammar_element* alternate : alternates_[i]) {
          const long length = LengthOf(alternate);
          if (length >= lengths_[i]) continue;
          lengths_[i] = length;
          changed = true;
        }
      }
    }
  }

  std::size_t Below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  void Open(std::uint32_t rule, const std::string& text, std::vector<const llama_grammar_element*>& open) {
    const Alternates& alternates = alternates_[rule];
    if (text.size() < kLong && open.size() < kLong) {
      const llama_grammar_element* chosen = alternates[Below(alternates.size())];
      if (LengthOf(chosen) < kEndless / 2) {
        open.push_back(chosen);
        return;
      }
    }
    open.push_back(*std::min_element(alternates.begin(), alternates.end(),
                                     [&](const auto* a, const auto* b) { return LengthOf(a) < LengthOf(b); }));
  }

  // One character; what stands behind its element.
  const llama_grammar_element* Character(const llama_grammar_element* at, std::string& text) {
    const bool negated = at->type == LLAMA_GRETYPE_CHAR_NOT;
    if (at->type == LLAMA_GRETYPE_CHAR_ANY) throw std::runtime_error("any character: none of our grammars has it");
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
    do {
      const bool range = at[1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER;
      ranges.emplace_back(at->value, range ? at[1].value : at->value);
      at += range ? 2 : 1;
    } while (at->type == LLAMA_GRETYPE_CHAR_ALT);
    if (!negated) {
      const auto& [from, to] = ranges[Below(ranges.size())];
      AppendUtf8(text, from + static_cast<std::uint32_t>(Below(to - from + 1)));
      return at;
    }
    for (;;) {
      static constexpr std::uint32_t kMore[] = {0xE4, 0xDF, 0x20AC, 0x65E5, 0x1F600};
      const std::size_t i = Below(100);
      const std::uint32_t c = i < 95 ? static_cast<std::uint32_t>(0x20 + i) : kMore[i - 95];
      if (std::none_of(ranges.begin(), ranges.end(),
                       [&](const auto& range) { return range.first <= c && c <= range.second; })) {
        AppendUtf8(text, c);
        return at;
      }
    }
  }

  llama_grammar_parser parser_;
  std::vector<Alternates> alternates_;
  std::vector<long> lengths_;
  std::mt19937 random_;
};

int Run(int argc, char** argv) {
  if (argc != 3) throw std::runtime_error("usage: random_answers COUNT SEED < GRAMMARS");
  const int count = std::atoi(argv[1]);
  const auto seed = static_cast<unsigned>(std::atoi(argv[2]));
  std::string grammar;
  while (std::getline(std::cin, grammar, '\0')) {
    Writer writer(grammar, seed);
    for (int i = 0; i < count; ++i) std::cout << writer.Text() << '\0';
  }
  return 0;
}

}  // namespace
}  // namespace medinfer::tools

int main(int argc, char** argv) {
  try {
    return medinfer::tools::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "random_answers: %s\n", error.what());
    return 1;
  }
}
