#include "base/excerpt.h"

#include <gtest/gtest.h>

#include <string>

namespace medinfer {
namespace {

TEST(ExcerptTest, ShowsAShortTextOnOneLine) {
  EXPECT_EQ(Excerpt("unknown architecture"), "unknown architecture");
  EXPECT_EQ(Excerpt("a\nb\x1b[31m\x7f"), "a b [31m ");
  EXPECT_EQ(ExcerptPath("/models/a.gguf"), "/models/a.gguf");
}

TEST(ExcerptTest, CutsALongOneAndNoCharacterInTwo) {
  EXPECT_EQ(Excerpt("abcdef", 3), "abc…");
  EXPECT_EQ(Excerpt("aäöü", 4), "aä…");  // ö would end behind the fourth byte
  EXPECT_EQ(ExcerptPath("/models/größe.gguf", 7), "…e.gguf");
  EXPECT_EQ(ExcerptPath("/ü", 1), "…");
  EXPECT_EQ(ExcerptPath(std::string(5000, 'x') + "/a.gguf", 7), "…/a.gguf");
}

TEST(ExcerptTest, TakesWhatIsNoText) {
  const std::string bytes("\x80\x80\xff\xc3", 4);
  EXPECT_LE(Excerpt(bytes, 2).size(), 2 + std::string("…").size());
  EXPECT_LE(ExcerptPath(bytes, 2).size(), 2 + std::string("…").size());
}

}  // namespace
}  // namespace medinfer
