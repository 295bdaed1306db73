#include "text/text_framer.h"

#include <gtest/gtest.h>
#include <llama-vocab.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/vocabulary_test.h"
#include "text/prompt_tokenizer.h"

namespace medinfer::testing {
namespace {

using Tokens = std::vector<std::int32_t>;

class TextFramerTest : public VocabularyTest {
 protected:
  static TextFramer Framer(std::string pair_template = "") {
    static const PromptTokenizer tokenizer(vocab_);
    return {tokenizer, vocab_, std::move(pair_template)};
  }
  static Tokens Plain(const std::string& text) { return PromptTokenizer(vocab_).Tokenize({{text, false}}).value(); }
  static Tokens Framed(const Tokens& body) {
    Tokens framed = {llama_vocab_bos(vocab_)};
    framed.insert(framed.end(), body.begin(), body.end());
    if (llama_vocab_get_add_eos(vocab_)) framed.push_back(llama_vocab_eos(vocab_));
    return framed;
  }
  static std::size_t around() { return Framed({}).size(); }
};

TEST_F(TextFramerTest, PutsAroundATextWhatTheVocabularyAsksFor) {
  for (const std::string text : {"", "bab", "bab beb </s> <s>"}) {
    const auto framed = Framer().Frame(text, 512);
    ASSERT_TRUE(framed.ok());
    EXPECT_EQ(framed.value().tokens, Framed(Plain(text)));
    EXPECT_EQ(framed.value().cut, 0U);
  }
}

TEST_F(TextFramerTest, CutsInsideTheFrameAtEveryLength) {
  const std::string text = "bab beb bib bob bub";
  const Tokens whole = Plain(text);
  for (std::uint32_t most = 0; most < whole.size() + around() + 2; ++most) {
    const auto framed = Framer().Frame(text, most);
    if (most <= around()) {
      ASSERT_EQ(framed.status().code(), Code::kContextFull) << most;
      continue;
    }
    const std::size_t kept = std::min<std::size_t>(whole.size(), most - around());
    EXPECT_EQ(framed.value().tokens, Framed(Tokens(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(kept))));
    EXPECT_EQ(framed.value().cut, whole.size() - kept);
  }
}

TEST_F(TextFramerTest, FillsATemplateInWhichTextsAreOnlyText) {
  const TextFramer framer = Framer("<s>{query}</s>{document} {query}{");
  const auto framed = framer.FramePair("{document}", "</s>", 512);
  ASSERT_TRUE(framed.ok());
  const auto expected = PromptTokenizer(vocab_).Tokenize({{"<s>", true},
                                                          {"{document}", false},
                                                          {"</s>", true},
                                                          {"</s>", false},
                                                          {" ", true},
                                                          {"{document}", false},
                                                          {"{", true}});
  EXPECT_EQ(framed.value().tokens, expected.value());
}

TEST_F(TextFramerTest, CutsTheDocumentOfATemplateAtEveryLength) {
  const TextFramer framer = Framer("<s>{query}</s>{document}</s>");
  const std::string document = "bab Ärzte \xF0\x9F\x98\x80 beb bib bob";
  const auto whole = framer.FramePair("bub", document, 512);
  ASSERT_TRUE(whole.ok());
  const auto n_whole = static_cast<std::uint32_t>(whole.value().tokens.size());
  const auto n_empty = static_cast<std::uint32_t>(framer.FramePair("bub", "", 512).value().tokens.size());
  for (std::uint32_t most = 1; most <= n_whole; ++most) {
    const auto framed = framer.FramePair("bub", document, most);
    if (most <= n_empty && most < n_whole) {
      ASSERT_EQ(framed.status().code(), Code::kContextFull) << most;
      continue;
    }
    ASSERT_TRUE(framed.ok());
    const Tokens& tokens = framed.value().tokens;
    EXPECT_LE(tokens.size(), most);
    EXPECT_EQ(framed.value().cut, n_whole - tokens.size());
    EXPECT_EQ(tokens.back(), llama_vocab_eos(vocab_));
  }
}

}  // namespace
}  // namespace medinfer::testing
