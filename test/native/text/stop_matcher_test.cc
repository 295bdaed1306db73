#include "text/stop_matcher.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

#include "base/utf8.h"

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

std::string Joined(const std::vector<Text>& texts) {
  std::string joined;
  for (const Text& text : texts) joined += text.text;
  return joined;
}

Outcome Stream(const std::vector<std::string>& pieces, const std::vector<std::string>& stops) {
  StopMatcher matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) {
    outcome.text += Joined(matcher.Push(piece));
    if (matcher.stopped()) break;
  }
  if (!matcher.stopped()) outcome.text += Joined(matcher.Flush());
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
  EXPECT_EQ(Joined(matcher.Push(euro.substr(0, 1))), "");
  EXPECT_EQ(Joined(matcher.Push(euro.substr(1, 1))), "");
  EXPECT_EQ(Joined(matcher.Push(euro.substr(2))), euro);
  EXPECT_EQ(Joined(matcher.Push("a\xE2")), "a");
  EXPECT_EQ(Joined(matcher.Flush()), "\xE2");
}

// As `text` where a control token is written.
std::string Marked(const std::vector<Text>& texts) {
  std::string marked;
  for (const Text& text : texts) marked += text.control ? "`" + text.text + "`" : text.text;
  return marked;
}

TEST(StopMatcher, FindsControlTokensAndTellsThemApart) {
  StopMatcher alone({"<|end|>"});
  EXPECT_EQ(Marked(alone.Push("a")), "a");
  EXPECT_EQ(Marked(alone.Push("<|end|>", true)), "");
  EXPECT_EQ(alone.match(), "<|end|>");

  StopMatcher within({"<|im|>user"});
  EXPECT_EQ(Marked(within.Push("a")), "a");
  EXPECT_EQ(Marked(within.Push("<|im|>", true)), "");
  EXPECT_EQ(Marked(within.Push("use")), "");
  EXPECT_EQ(Marked(within.Push("d")), "`<|im|>`used");
  EXPECT_EQ(Marked(within.Push("<|im|>", true)), "");
  EXPECT_EQ(Marked(within.Push("user")), "");
  EXPECT_TRUE(within.stopped());

  StopMatcher ends({"<|im|>user"});
  EXPECT_EQ(Marked(ends.Push("a<|im|>u")), "a");
  EXPECT_EQ(Marked(ends.Push("<|im|>", true)), "<|im|>u");
  EXPECT_EQ(Marked(ends.Flush()), "`<|im|>`");
}

TEST(StopMatcher, DoesNotStopInsideAControlToken) {
  StopMatcher matcher({"|", "im", "<", "|>x"});
  EXPECT_EQ(Marked(matcher.Push("<|im|>", true)), "`<|im|>`");
  EXPECT_EQ(Marked(matcher.Push("x")), "x");
  EXPECT_EQ(Marked(matcher.Push("y|z")), "y");
  EXPECT_EQ(matcher.match(), "|");
}

// Generated cases over a small alphabet, so that stops overlap, nearly match and begin in each other.
class Cases {
 public:
  // Of one, two, three and four bytes; two of them begin with the same three.
  std::string Word(int low, int high) {
    static const std::vector<std::string> kAlphabet{
        "a", "b", "c", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x81"};
    std::string text;
    for (int n = Pick(low, high); n > 0; --n) text += kAlphabet[static_cast<std::size_t>(Pick(0, 6))];
    return text;
  }
  // Half of them are taken from the text, so that they are found.
  std::vector<std::string> Stops(const std::string& text) {
    std::vector<std::string> stops;
    for (int n = Pick(0, 3); n > 0; --n) {
      const std::size_t at = static_cast<std::size_t>(Pick(0, static_cast<int>(text.size())));
      std::string part = text.substr(at, static_cast<std::size_t>(Pick(1, 9)));
      stops.push_back(part.empty() || Pick(0, 1) == 0 ? Word(1, 4) : std::move(part));
    }
    return stops;
  }
  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

 private:
  std::mt19937 random_{1};
};

TEST(StopMatcher, StreamedEqualsOneShotHoweverTheTextIsCut) {
  Cases cases;
  for (int round = 0; round < 20000; ++round) {
    const std::string text = cases.Word(0, 14);
    const std::vector<std::string> stops = cases.Stops(text);
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = static_cast<std::size_t>(cases.Pick(1, 6));
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    ASSERT_EQ(Stream(pieces, stops), Naive(text, stops)) << "text " << text << ", round " << round;
  }
}

TEST(StopMatcher, StreamedEqualsOneShotInOnePieceByteByByteAndCutInTwoAnywhere) {
  Cases cases;
  int stopped = 0;
  for (int round = 0; round < 10000; ++round) {
    const std::string text = cases.Word(0, 12);
    const std::vector<std::string> stops = cases.Stops(text);
    const Outcome expected = Naive(text, stops);
    if (expected.stop) ++stopped;
    std::vector<std::string> bytes;
    for (const char byte : text) bytes.emplace_back(1, byte);
    ASSERT_EQ(Stream({text}, stops), expected) << text;
    ASSERT_EQ(Stream(bytes, stops), expected) << text;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      ASSERT_EQ(Stream({text.substr(0, at), text.substr(at)}, stops), expected) << text << ", cut at " << at;
    }
  }
  EXPECT_GT(stopped, 3000);
}

// What was shown cannot be taken back: it must be right after every byte, for all that could still come.
TEST(StopMatcher, ShowsAllThatCanNotBecomeAStopAndNothingElse) {
  Cases cases;
  for (int round = 0; round < 2000; ++round) {
    const std::string text = cases.Word(0, 10);
    const std::vector<std::string> stops = cases.Stops(text);
    StopMatcher matcher(stops);
    std::string shown;
    for (std::size_t n = 1; n <= text.size() && !matcher.stopped(); ++n) {
      shown += Joined(matcher.Push(std::string_view(text).substr(n - 1, 1)));
      if (matcher.stopped()) break;
      const std::string so_far = text.substr(0, n);
      ASSERT_EQ(so_far.substr(0, shown.size()), shown);
      ASSERT_EQ(CompleteUtf8Prefix(shown), shown.size()) << text << " after " << n;
      // Where the first stop may begin: a stop, or a beginning of one at the end.
      std::size_t held = n;
      for (const std::string& stop : stops) {
        for (std::size_t at = 0; at < held; ++at) {
          if (stop.starts_with(so_far.substr(at)) || so_far.substr(at).starts_with(stop)) held = at;
        }
      }
      ASSERT_EQ(shown.size(), CompleteUtf8Prefix(so_far.substr(0, held))) << text << " after " << n;
    }
  }
}

TEST(Utf8, CompletePrefixEndsBeforeAnUnfinishedCharacter) {
  EXPECT_EQ(CompleteUtf8Prefix(""), 0U);
  EXPECT_EQ(CompleteUtf8Prefix("abc"), 3U);
  EXPECT_EQ(CompleteUtf8Prefix("ab\xC3"), 2U);
  EXPECT_EQ(CompleteUtf8Prefix("ab\xC3\xA9"), 4U);
  EXPECT_EQ(CompleteUtf8Prefix("\xF0\x9F\x98"), 0U);
  EXPECT_EQ(CompleteUtf8Prefix("\xF0\x9F\x98\x80"), 4U);
  // Continuation bytes that continue nothing cannot be completed: waiting would hold them for ever.
  EXPECT_EQ(CompleteUtf8Prefix("\x80\x80\x80\x80"), 4U);
}

}  // namespace
}  // namespace medinfer
