#include "grammar/shortest_texts.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "text/char_set.h"

namespace medinfer {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kLastCharacter = 0x10FFFF;

bool IsSurrogate(std::uint32_t character) { return character >= 0xD800 && character <= 0xDFFF; }

bool EndsSequence(const llama_grammar_element* place) {
  return place->type == LLAMA_GRETYPE_END || place->type == LLAMA_GRETYPE_ALT;
}

bool IsCharacter(const llama_grammar_element* place) {
  return place->type == LLAMA_GRETYPE_CHAR || place->type == LLAMA_GRETYPE_CHAR_NOT ||
         place->type == LLAMA_GRETYPE_CHAR_ANY;
}

// What one element, a character of a class, stands for.
struct CharacterClass {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  bool negated = false;
  const llama_grammar_element* next = nullptr;  // behind it

  explicit CharacterClass(const llama_grammar_element* place) {
    negated = place->type == LLAMA_GRETYPE_CHAR_NOT;
    if (place->type == LLAMA_GRETYPE_CHAR_ANY) {
      ranges.emplace_back(0U, kLastCharacter);
      next = place + 1;
      return;
    }
    do {
      const bool range = place[1].type == LLAMA_GRETYPE_CHAR_RNG_UPPER;
      ranges.emplace_back(place->value, range ? place[1].value : place->value);
      place += range ? 2 : 1;
    } while (place->type == LLAMA_GRETYPE_CHAR_ALT);
    next = place;
  }

  bool Has(std::uint32_t character) const {
    const bool listed = std::ranges::any_of(
        ranges, [character](const auto& range) { return range.first <= character && character <= range.second; });
    return listed != negated;
  }
};

// One of the shortest characters of the class, one that can be read if there is one; kNever: it has none.
std::uint64_t ShortestCharacter(const CharacterClass& characters) {
  for (std::uint32_t c = ' '; c < 0x7F; ++c) {
    if (characters.Has(c)) return c;
  }
  for (std::uint32_t c = 0; c < 0x80; ++c) {
    if (characters.Has(c)) return c;
  }
  // The least of a class is the beginning of a range, or what follows the end of one.
  std::uint64_t least = kNever;
  const auto offer = [&](std::uint32_t character) {
    if (character >= 0x80 && character <= kLastCharacter && !IsSurrogate(character) && characters.Has(character)) {
      least = std::min<std::uint64_t>(least, character);
    }
  };
  offer(0x80);
  offer(0xE000);  // behind the surrogates
  for (const auto& [first, last] : characters.ranges) {
    offer(first);
    if (last < kLastCharacter) offer(last + 1);
  }
  return least;
}

std::uint64_t Utf8Size(std::uint64_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

std::uint64_t Sum(std::uint64_t a, std::uint64_t b) { return a > kNever - b ? kNever : a + b; }

}  // namespace

ShortestTexts::ShortestTexts(const llama_grammar_rules& rules) : of_rules_(rules.size(), {kNever}) {
  // A rule's text is found anew whenever one that it refers to has become shorter.
  std::vector<std::vector<std::uint32_t>> users(rules.size());
  std::deque<std::uint32_t> waiting;
  std::vector<bool> waits(rules.size(), true);
  for (std::uint32_t rule = 0; rule < rules.size(); ++rule) {
    waiting.push_back(rule);
    for (const llama_grammar_element& element : rules[rule]) {
      if (element.type == LLAMA_GRETYPE_RULE_REF) users[element.value].push_back(rule);
    }
  }
  while (!waiting.empty()) {
    const std::uint32_t rule = waiting.front();
    waiting.pop_front();
    waits[rule] = false;
    Shortest found = of_rules_[rule];
    for (std::size_t begin = 0; begin < rules[rule].size();) {
      const std::uint64_t bytes = Bytes(&rules[rule][begin]);
      if (bytes < found.bytes) found = {bytes, begin};
      while (!EndsSequence(&rules[rule][begin])) ++begin;
      ++begin;
    }
    if (found.bytes == of_rules_[rule].bytes) continue;
    of_rules_[rule] = found;
    for (const std::uint32_t user : users[rule]) {
      if (waits[user]) continue;
      waits[user] = true;
      waiting.push_back(user);
    }
  }
}

std::uint64_t ShortestTexts::Bytes(const llama_grammar_element* place) const {
  std::uint64_t bytes = 0;
  while (!EndsSequence(place) && bytes != kNever) {
    if (place->type == LLAMA_GRETYPE_RULE_REF) {
      bytes = Sum(bytes, of_rules_[place->value].bytes);
      ++place;
    } else if (IsCharacter(place)) {
      const CharacterClass characters(place);
      const std::uint64_t character = ShortestCharacter(characters);
      bytes = character == kNever ? kNever : Sum(bytes, Utf8Size(character));
      place = characters.next;
    } else {
      return kNever;  // a token by its name
    }
  }
  return bytes;
}

std::optional<std::uint64_t> ShortestTexts::SizeOf(const llama_grammar_stack& stack) const {
  std::uint64_t bytes = 0;
  for (const llama_grammar_element* place : stack) bytes = Sum(bytes, Bytes(place));
  return bytes == kNever ? std::nullopt : std::optional(bytes);
}

std::string ShortestTexts::Of(const llama_grammar_rules& rules, const llama_grammar_stack& stack, char filler) const {
  std::string text;
  // What is left to be written, the next one last.
  llama_grammar_stack left = stack;
  while (!left.empty()) {
    const llama_grammar_element* place = left.back();
    left.pop_back();
    if (EndsSequence(place)) continue;
    if (place->type == LLAMA_GRETYPE_RULE_REF) {
      const Shortest& rule = of_rules_[place->value];
      left.push_back(place + 1);
      left.push_back(&rules[place->value][rule.begin]);
    } else {
      const CharacterClass characters(place);
      if (characters.Has(static_cast<unsigned char>(filler))) {
        text += filler;
      } else {
        AppendUtf8(text, static_cast<std::uint32_t>(ShortestCharacter(characters)));
      }
      left.push_back(characters.next);
    }
  }
  return text;
}

}  // namespace medinfer
