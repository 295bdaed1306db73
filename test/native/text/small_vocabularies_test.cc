// Kinds of tokenisers of which llama.cpp ships no vocabulary, and vocabularies that lack what a text needs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llama.h"
#include "medinfer/backends.h"
#include "support/places.h"
#include "support/small_stack.h"
#include "tools/gguf_file.h"
#include "tools/token_hash.h"

namespace medinfer {
namespace {

using Tokens = std::vector<llama_token>;

struct Deleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
using ModelPtr = std::unique_ptr<llama_model, Deleter>;

// Of `texts`, the first of which is the unknown token, with scores that fall from one to the next.
ModelPtr MakeVocabulary(
    const std::string& kind, const std::vector<std::string>& texts,
    const std::function<void(tools::GgufFile&)>& change = [](tools::GgufFile&) {}) {
  EXPECT_TRUE(InitBackends(places::kBackends).ok());
  tools::GgufFile file(1);
  std::vector<const char*> pointers;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  for (const std::string& text : texts) {
    scores.push_back(-static_cast<float>(pointers.size()));
    types.push_back(pointers.empty()          ? LLAMA_TOKEN_TYPE_UNKNOWN
                    : text.starts_with("<0x") ? LLAMA_TOKEN_TYPE_BYTE
                                              : LLAMA_TOKEN_TYPE_NORMAL);
    pointers.push_back(text.c_str());
  }
  file.Set("general.architecture", "llama");
  file.Set("tokenizer.ggml.model", kind);
  gguf_set_arr_str(file.meta(), "tokenizer.ggml.tokens", pointers.data(), pointers.size());
  file.SetReals("tokenizer.ggml.scores", scores);
  file.SetInts("tokenizer.ggml.token_type", types);
  file.SetInt("tokenizer.ggml.unknown_token_id", 0);
  file.SetBool("tokenizer.ggml.add_space_prefix", false);
  change(file);
  const std::string path = ::testing::TempDir() + "medinfer-vocabulary-" + kind + std::to_string(::getpid()) + ".gguf";
  file.Write(path);
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  ModelPtr model(llama_model_load_from_file(path.c_str(), params));
  std::remove(path.c_str());
  return model;
}

Tokens TokensOf(const ModelPtr& model, const std::string& text) {
  return tools::TokensOf(llama_model_get_vocab(model.get()), text, /*add_special=*/false, /*parse_special=*/false);
}

std::vector<std::string> WithBytes(std::vector<std::string> texts) {
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", static_cast<unsigned>(byte));
    texts.emplace_back(text);
  }
  return texts;
}

void ExpectTakesLongTexts(const ModelPtr& model) {
  ASSERT_NE(model, nullptr);
  testing::RunWithSmallStack([&] {
    for (const std::string piece : {"a", "ab", "abc", " ", "\n", "<", "x", "\u836F", "\xFF"}) {
      std::string text;
      while (text.size() < 1'000'000) text += piece;
      EXPECT_FALSE(TokensOf(model, text).empty()) << piece;
    }
  });
}

TEST(SmallVocabularies, SentencePieceWithoutBytesHasAnUnknownToken) {
  const ModelPtr model = MakeVocabulary("llama", {"<unk>", "a", "b", "ab"});
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(TokensOf(model, "abxa"), (Tokens{3, 0, 1}));
  EXPECT_EQ(TokensOf(model, "a\u836Fb"), (Tokens{1, 0, 2}));
  ExpectTakesLongTexts(model);
}

TEST(SmallVocabularies, SentencePieceWithBytesWritesThem) {
  const ModelPtr model = MakeVocabulary("llama", WithBytes({"<unk>", "a", "b", "ab"}));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(TokensOf(model, "ab\u00E9"), (Tokens{3, 4 + 0xC3, 4 + 0xA9}));
}

TEST(SmallVocabularies, RwkvEndsWhereOnlyTheBeginningOfATokenIsThere) {
  const ModelPtr model = MakeVocabulary("rwkv", {"<unk>", "abc", "b", "\\n"});
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(TokensOf(model, "abcab"), (Tokens{1, 0, 2}));
  ExpectTakesLongTexts(model);
}

TEST(SmallVocabularies, UnigramTakesLongTexts) {
  ExpectTakesLongTexts(MakeVocabulary("t5", {"<unk>", "a", "b", "ab", "abc", "\u2581"}));
}

TEST(SmallVocabularies, Plamo2TakesLongTexts) {
  ExpectTakesLongTexts(MakeVocabulary("plamo2", WithBytes({"<unk>", "a", "b", "ab", "abc"})));
}

// Pre-tokenisers that leave blanks in what is merged, with a vocabulary that was not made for them.
TEST(SmallVocabularies, BlanksInPiecesEndNothing) {
  for (const char* pre : {"whitespace", "gemma4", "sarvam-moe"}) {
    const ModelPtr model = MakeVocabulary("gpt2", {"<unk>", "a", "b", "ab"}, [&](tools::GgufFile& file) {
      const char* merges[] = {"a b"};
      gguf_set_arr_str(file.meta(), "tokenizer.ggml.merges", merges, 1);
      file.Set("tokenizer.ggml.pre", pre);
    });
    ASSERT_NE(model, nullptr) << pre;
    EXPECT_EQ(TokensOf(model, "ab  ab"), (Tokens{3, 3})) << pre;
  }
}

}  // namespace
}  // namespace medinfer
