#include "text/stop_matcher.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "text/utf8.h"

namespace medinfer {
namespace {

struct Outcome {
  std::string text;
  std::optional<std::string> stop;

  bool operator==(const Outcome&) const = default;
};

// What the matcher promises, said naively: the text before the stop string that begins earliest, shortest first.
Outcome Naive(const std::string& text, const std::vector<std::string>& stops) {
  Outcome best{text, std::nullopt};
  for (const std::string& stop : stops) {
    const std::size_t at = text.find(stop);
    if (at == std::string::npos) continue;
    const bool earlier = at < best.text.size();
    const bool shorter = at == best.text.size() && (!best.stop || stop.size() < best.stop->size());
    if (earlier || shorter) best = {text.substr(0, at), stop};
  }
  return best;
}

Outcome Stream(const std::vector<std::string>& pieces, const std::vector<std::string>& stops) {
  StopMatcher matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) {
    outcome.text += matcher.Push(piece);
    if (matcher.stopped()) break;
  }
  if (!matcher.stopped()) outcome.text += matcher.Flush();
  if (matcher.stopped()) outcome.stop = matcher.match();
  return outcome;
}

TEST(StopMatcher, FindsAStopInsideOnePieceAcrossPiecesAndAtTheStart) {
  EXPECT_EQ(Stream({"abc</s>def"}, {"</s>"}), (Outcome{"abc", "</s>"}));
  EXPECT_EQ(Stream({"abc<", "/", "s", ">def"}, {"</s>"}), (Outcome{"abc", "</s>"}));
  EXPECT_EQ(Stream({"</s>"}, {"</s>"}), (Outcome{"", "</s>"}));
}

TEST(StopMatcher, ShowsWhatTurnsOutNotToBeAStop) {
  EXPECT_EQ(Stream({"a<", "/b>"}, {"</s>"}), (Outcome{"a</b>", std::nullopt}));
  EXPECT_EQ(Stream({"ends with </"}, {"</s>"}), (Outcome{"ends with </", std::nullopt}));
}

TEST(StopMatcher, TheEarliestStopWins) {
  EXPECT_EQ(Stream({"x User: y </s>"}, {"</s>", "User:"}), (Outcome{"x ", "User:"}));
  // "b" is complete first, but "abcd" begins earlier and still can be completed.
  EXPECT_EQ(Stream({"xab", "cd"}, {"b", "abcd"}), (Outcome{"x", "abcd"}));
  EXPECT_EQ(Stream({"xab", "ce"}, {"b", "abcd"}), (Outcome{"xa", "b"}));
  EXPECT_EQ(Stream({"xab"}, {"b", "abcd"}), (Outcome{"xa", "b"}));
}

TEST(StopMatcher, NeverShowsPartOfACharacter) {
  const std::string euro = "\xE2\x82\xAC";
  StopMatcher matcher({});
  EXPECT_EQ(matcher.Push(euro.substr(0, 1)), "");
  EXPECT_EQ(matcher.Push(euro.substr(1, 1)), "");
  EXPECT_EQ(matcher.Push(euro.substr(2)), euro);
  EXPECT_EQ(matcher.Push("a\xE2"), "a");
  EXPECT_EQ(matcher.Flush(), "\xE2");
}

TEST(StopMatcher, StreamedEqualsOneShotHoweverTheTextIsCut) {
  std::mt19937 random(1);
  const std::vector<std::string> alphabet{"a", "b", "c", "\xC3\xA9", "\xE2\x82\xAC"};
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  const auto word = [&](int low, int high) {
    std::string text;
    for (int n = pick(low, high); n > 0; --n) text += alphabet[static_cast<std::size_t>(pick(0, 4))];
    return text;
  };
  for (int round = 0; round < 20000; ++round) {
    const std::string text = word(0, 14);
    std::vector<std::string> stops;
    for (int n = pick(0, 3); n > 0; --n) stops.push_back(word(1, 4));
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = static_cast<std::size_t>(pick(1, 4));
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    ASSERT_EQ(Stream(pieces, stops), Naive(text, stops)) << "text " << text << ", round " << round;
  }
}

TEST(Utf8, CompletePrefixEndsBeforeAnUnfinishedCharacter) {
  EXPECT_EQ(CompleteUtf8Prefix(""), 0U);
  EXPECT_EQ(CompleteUtf8Prefix("abc"), 3U);
  EXPECT_EQ(CompleteUtf8Prefix("ab\xC3"), 2U);
  EXPECT_EQ(CompleteUtf8Prefix("ab\xC3\xA9"), 4U);
  EXPECT_EQ(CompleteUtf8Prefix("\xF0\x9F\x98"), 0U);
  EXPECT_EQ(CompleteUtf8Prefix("\xF0\x9F\x98\x80"), 4U);
  // Continuation bytes that continue nothing can not be completed: waiting would hold them for ever.
  EXPECT_EQ(CompleteUtf8Prefix("\x80\x80\x80\x80"), 4U);
}

}  // namespace
}  // namespace medinfer
