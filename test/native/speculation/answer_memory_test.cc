#include "speculation/answer_memory.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace medinfer::testing {
namespace {

const NextTokens::Contexts kContexts = NextTokens::ContextsOf(std::vector<std::int32_t>{1, 2});
constexpr std::size_t kShortest = NextTokens::kOrders.size() - 1;

TEST(AnswerMemory, KeepsAnswersByTheirKeyAlone) {
  AnswerMemory memory;
  memory.Of("a").Learn(kContexts, 3);
  EXPECT_TRUE(memory.Of("a").Find(kContexts, kShortest));
  EXPECT_FALSE(memory.Of("b").Find(kContexts, kShortest));
  EXPECT_TRUE(memory.Of("a").Find(kContexts, kShortest));
}

TEST(AnswerMemory, ForgetsTheGrammarThatWasUsedLeastRecently) {
  AnswerMemory memory;
  memory.Of("first").Learn(kContexts, 3);
  memory.Of("second").Learn(kContexts, 4);
  for (std::size_t i = 2; i < AnswerMemory::kGrammars; ++i) memory.Of("other " + std::to_string(i));
  EXPECT_TRUE(memory.Of("first").Find(kContexts, kShortest));
  memory.Of("one more");
  EXPECT_TRUE(memory.Of("first").Find(kContexts, kShortest));
  EXPECT_FALSE(memory.Of("second").Find(kContexts, kShortest));
}

}  // namespace
}  // namespace medinfer::testing
