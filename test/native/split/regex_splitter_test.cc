#include "split/regex_splitter.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "split/digit_groups.h"
#include "split/regex_parser.h"
#include "support/small_stack.h"

namespace medinfer {
namespace {

using Lengths = std::vector<std::size_t>;

std::u32string Wide(const std::string& bytes) {
  std::u32string wide;
  for (const char c : bytes) wide += static_cast<char32_t>(static_cast<unsigned char>(c));
  return wide;
}

// What RegexSplitter does with std::regex, as llama.cpp has it.
Lengths SplitByStdRegex(const std::string& regex, const std::string& text, const Lengths& lengths) {
  const std::regex compiled(regex);
  Lengths pieces;
  auto begin = text.begin();
  for (const std::size_t length : lengths) {
    const auto end = begin + static_cast<std::ptrdiff_t>(length);
    std::size_t done = 0;
    for (std::sregex_iterator it(begin, end, compiled); it != std::sregex_iterator(); ++it) {
      const auto at = static_cast<std::size_t>(it->position());
      if (at > done) pieces.push_back(at - done);
      pieces.push_back(static_cast<std::size_t>(it->length()));
      done = at + static_cast<std::size_t>(it->length());
    }
    if (done < length) pieces.push_back(length - done);
    begin = end;
  }
  return pieces;
}

// Random expressions of all that the parser takes, over an alphabet small enough for matches.
class RandomRegex {
 public:
  explicit RandomRegex(std::uint32_t seed) : random_(seed) {}

  std::string Choice(int depth) {
    std::string regex = Sequence(depth);
    for (int n = Below(3); n > 0; --n) regex += "|" + Sequence(depth);
    return regex;
  }

  std::string Text() {
    static const std::string kSymbols = "aab1 \n'\xD2";
    std::string text;
    for (int n = Below(14); n > 0; --n) text += kSymbols[static_cast<std::size_t>(Below(8))];
    return text;
  }

  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }

 private:
  std::string Sequence(int depth) {
    std::string regex;
    for (int n = 1 + Below(3); n > 0; --n) regex += Term(depth);
    return regex;
  }

  std::string Term(int depth) {
    static const char* const kAheads[] = {"(?!\\S)", "(?=[ab])", "(?!a|b)", "$", "(?=\\d)"};
    if (Below(8) == 0) return kAheads[Below(5)];
    static const char* const kQuantifiers[] = {"", "", "", "?", "*", "+", "{2}", "{1,3}", "{2,}"};
    return Atom(depth) + kQuantifiers[Below(9)];
  }

  std::string Atom(int depth) {
    static const char* const kAtoms[] = {"a",
                                         "b",
                                         "1",
                                         " ",
                                         "\\n",
                                         "'",
                                         "\\s",
                                         "\\S",
                                         "\\d",
                                         "\\w",
                                         "[ab]",
                                         "[^ab]",
                                         "[^\\s\xD2]",
                                         "[a-z1]",
                                         "\xD2",
                                         "[\xD2"
                                         "A-Za-z]",
                                         "[^\\r\\n1]",
                                         "[\\n\\]-]"};
    if (depth > 0 && Below(3) == 0) return (Below(2) == 0 ? "(?:" : "(") + Choice(depth - 1) + ")";
    return kAtoms[Below(18)];
  }

  std::mt19937 random_;
};

TEST(RegexSplitter, CutsAsStdRegexDoes) {
  int taken = 0;
  for (std::uint32_t seed = 0; seed < 1500; ++seed) {
    RandomRegex random(seed);
    const std::string regex = random.Choice(2);
    std::optional<RegexSplitter> splitter;
    try {
      splitter.emplace(Wide(regex));
    } catch (const UnsupportedRegex&) {  // it matches the empty text, or repeats it
      continue;
    }
    ++taken;
    for (int i = 0; i < 8; ++i) {
      const std::string text = random.Text() + random.Text();
      const std::size_t cut = text.empty() ? 0 : static_cast<std::size_t>(random.Below(static_cast<int>(text.size())));
      const Lengths lengths = {cut, text.size() - cut};
      ASSERT_EQ(splitter->Split(Wide(text), lengths), SplitByStdRegex(regex, text, lengths))
          << "seed " << seed << ": " << regex << " in " << ::testing::PrintToString(text);
    }
  }
  EXPECT_GT(taken, 400);
}

TEST(RegexSplitter, TellsDigitsOffInThreesAsStdRegexDoes) {
  const std::string regex = "(?=(\\d{3})+(?!\\d))";
  ASSERT_EQ(Wide(regex), std::u32string(kDigitGroupsRegex));
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (auto n = random() % 30; n > 0; --n) {
      text += random() % 5 == 0 ? 'x' : static_cast<char>('0' + random() % 10);
    }
    const std::size_t cut = text.size() / 2;
    const Lengths lengths = {cut, text.size() - cut};
    ASSERT_EQ(SplitDigitGroups(Wide(text), lengths), SplitByStdRegex(regex, text, lengths)) << text;
  }
}

TEST(RegexSplitter, RefusesWhatATableCanNotFollow) {
  const std::vector<std::string> refused = {
      "",        "a*",    "(a",          "a)",    "[a",      "[]",  "a**",    "a+?",        "(a*)+",  "(a|b*){2}",
      "\\1a",    "\\ba",  "\\p{L}",      "^a",    ".",       "a{2", "a{3,2}", "a{9999}",    "{2}",    "(?=ab)c",
      "(?<=a)b", "(?=a)", "[[:alpha:]]", "[z-a]", "[a-\\d]", "\\",  "[\\",    "a{1024}{3}", "(?i:a)", "$"};
  for (const std::string& regex : refused) {
    EXPECT_THROW(RegexSplitter{Wide(regex)}, UnsupportedRegex) << regex;
  }
  EXPECT_THROW(RegexSplitter{std::u32string(100, U'(') + U"a" + std::u32string(100, U')')}, UnsupportedRegex);
  EXPECT_THROW(RegexSplitter(U"((a{512}){512}){512}"), UnsupportedRegex);
  // Every subset of 20 places would be a state.
  EXPECT_THROW(RegexSplitter(U"[ab]*a[ab]{20}c"), UnsupportedRegex);
}

// Where an attempt from each place sees all that follows in vain, and where matches are as long as the text.
TEST(RegexSplitter, IsLinearAndNeedsNoStack) {
  constexpr std::size_t kMany = 1'000'000;
  testing::RunWithSmallStack([] {
    const std::u32string blanks = std::u32string(kMany, U' ') + U"x";
    EXPECT_EQ(RegexSplitter(U"\\s+$").Split(blanks, {blanks.size()}), Lengths{kMany + 1});
    EXPECT_EQ(RegexSplitter(U"[a ]+b|\\s+(?!\\S)|\\s+").Split(blanks, {blanks.size()}), (Lengths{kMany - 1, 1, 1}));
    EXPECT_EQ(RegexSplitter(U"(?:\\w|\\s)+").Split(blanks, {blanks.size()}), Lengths{kMany + 1});
    const std::u32string digits(kMany, U'1');
    EXPECT_EQ(SplitDigitGroups(digits, {kMany}).size(), 2 * (kMany / 3) + 1);
  });
}

}  // namespace
}  // namespace medinfer
