#include "text/prompt_tokenizer.h"

#include <gtest/gtest.h>
#include <llama-vocab.h>
#include <llama.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer {
namespace {

using Tokens = std::vector<std::int32_t>;

// The vocabularies that llama.cpp ships.
std::vector<std::string> VocabularyNames() {
  std::vector<std::string> names;
  const std::string prefix = "ggml-vocab-";
  for (const auto& entry : std::filesystem::directory_iterator(places::kLlamaModels)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".gguf" && name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
  }
  std::ranges::sort(names);
  return names;
}

class PromptTokenizerTest : public ::testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(InitBackends(places::kBackends).ok()); }

  static void TearDownTestSuite() { models_.clear(); }

  void SetUp() override {
    std::unique_ptr<llama_model, Free>& model = models_[GetParam()];
    if (model == nullptr) model = Load(GetParam());
    ASSERT_NE(model, nullptr);
    vocab_ = llama_model_get_vocab(model.get());
    tokenizer_ = std::make_unique<PromptTokenizer>(vocab_);
    for (std::int32_t token = 0; token < static_cast<std::int32_t>(vocab_->n_tokens()); ++token) {
      if (vocab_->is_control(token)) controls_.push_back(vocab_->get_token_data(token).text);
      if (vocab_->is_user_defined(token)) defined_.push_back(vocab_->get_token_data(token).text);
    }
  }

  struct Free {
    void operator()(llama_model* model) const { llama_model_free(model); }
  };

  static std::unique_ptr<llama_model, Free> Load(const std::string& name) {
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    const std::string file = std::string(places::kLlamaModels) + "/ggml-vocab-" + name + ".gguf";
    return std::unique_ptr<llama_model, Free>(llama_model_load_from_file(file.c_str(), params));
  }

  // llama.cpp's own.
  Tokens Plain(const std::string& text, bool parse_special) const {
    return vocab_->tokenize(text, false, parse_special);
  }
  Tokens Ours(const std::vector<TextPiece>& pieces) const {
    auto tokens = tokenizer_->Tokenize(pieces);
    EXPECT_TRUE(tokens.ok());
    return tokens.ok() ? tokens.value() : Tokens();
  }

  // A text of words, white space, odd characters, and special tokens whole, halved and side by side.
  std::string RandomText(bool odd = true) {
    static const std::vector<std::string> kPlain{"Aspirin ", "150 mg", " ",  "  ", "\n",   "\n\n", "\t",    "don't",
                                                 "é",        "日本語", "😀", ". ", "</s>", "<s>",  "<|",    "|>",
                                                 "[",        "]",      "<",  ">",  "1/2",  "CO₂",  "\u00a0"};
    std::string text;
    for (int n = Pick(0, 12); n > 0; --n) {
      const int kind = odd ? Pick(0, 9) : 0;
      const auto& tokens = kind < 8 || defined_.empty() ? controls_ : defined_;
      if (kind < 6 || tokens.empty()) {
        text += kPlain[static_cast<std::size_t>(Pick(0, static_cast<int>(kPlain.size()) - 1))];
        continue;
      }
      const std::string& token = tokens[static_cast<std::size_t>(Pick(0, static_cast<int>(tokens.size()) - 1))];
      const auto size = static_cast<int>(token.size());
      const auto begin = static_cast<std::size_t>(Pick(0, 4) == 0 ? Pick(0, size) : 0);
      text += token.substr(begin, Pick(0, 4) == 0 ? static_cast<std::size_t>(Pick(0, size)) : std::string::npos);
    }
    return text;
  }

  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  inline static std::map<std::string, std::unique_ptr<llama_model, Free>> models_;  // each is loaded once
  const llama_vocab* vocab_ = nullptr;
  std::unique_ptr<PromptTokenizer> tokenizer_;
  std::vector<std::string> controls_;
  std::vector<std::string> defined_;
  std::mt19937 random_{1};
};

TEST_P(PromptTokenizerTest, ReadsATextAsLlamaDoes) {
  for (int round = 0; round < 3000; ++round) {
    const std::string text = RandomText();
    for (const bool special : {false, true}) {
      ASSERT_EQ(Ours({{text, special}}), Plain(text, special)) << "special " << special << ": " << text;
    }
  }
}

TEST_P(PromptTokenizerTest, ReadsATextInPiecesAsOneText) {
  for (int round = 0; round < 1000; ++round) {
    const std::string text = RandomText();
    for (const bool special : {false, true}) {
      std::vector<TextPiece> pieces;
      for (std::size_t at = 0; at < text.size();) {
        const auto size = static_cast<std::size_t>(Pick(0, 9));
        pieces.push_back({std::string_view(text).substr(at, size), special});
        at += size;
      }
      ASSERT_EQ(Ours(pieces), Plain(text, special)) << text;
    }
  }
}

// What is marked as text acts nowhere, and changes nothing of the text around it.
TEST_P(PromptTokenizerTest, KeepsControlTokensThatAreTextAsText) {
  if (controls_.empty()) GTEST_SKIP() << "no control tokens";
  for (int round = 0; round < 1000; ++round) {
    const std::string& token = controls_[static_cast<std::size_t>(Pick(0, static_cast<int>(controls_.size()) - 1))];
    const std::string before = RandomText(/*odd=*/false);
    const std::string after = RandomText(/*odd=*/false);
    const std::string whole = before + token + after;
    // Plain text that spells another control token would act.
    if (Plain(before, true) != Plain(before, false) || Plain(after, true) != Plain(after, false)) continue;
    const Tokens expected = Plain(whole, false);
    ASSERT_EQ(Ours({{before, true}, {token, false}, {after, true}}), expected) << whole;
    // One character of it is enough, wherever it is.
    const auto at = static_cast<std::size_t>(Pick(0, static_cast<int>(token.size()) - 1));
    const std::string_view view = token;
    if (Plain(token.substr(0, at), true) != Plain(token.substr(0, at), false)) continue;
    if (Plain(token.substr(at + 1) + after, true) != Plain(token.substr(at + 1) + after, false)) continue;
    ASSERT_EQ(Ours({{before, true},
                    {view.substr(0, at), true},
                    {view.substr(at, 1), false},
                    {view.substr(at + 1), true},
                    {after, true}}),
              expected)
        << whole;
  }
}

TEST_P(PromptTokenizerTest, TemplatesActAroundTextThatDoesNot) {
  if (controls_.size() < 2) GTEST_SKIP() << "no control tokens";
  const std::string& open = controls_[0];
  const std::string& close = controls_[1];
  const Tokens opened = Plain(open, true);
  const Tokens closed = Plain(close, true);
  Tokens expected = opened;
  for (const Tokens& more : {Plain("a " + open + " b" + close, false), closed}) {
    expected.insert(expected.end(), more.begin(), more.end());
  }
  EXPECT_EQ(Ours({{open + "a ", true}, {open, false}, {" b", true}, {close, false}, {close, true}}), expected);
}

// Vocabularies that change a text on its way in say so; all others give it back.
TEST_P(PromptTokenizerTest, GivesBackTheTextItRead) {
  const std::map<std::string, std::string> changed{
      {"bert-bge", "lower case, and words alone"},
      {"nomic-bert-moe", "its white space is merged"},
      {"phi-3", "white space behind its markup is stripped"},
  };
  const bool keeps = !changed.contains(GetParam());
  int different = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = RandomText();
    if (text.find("\u2581") != std::string::npos) continue;  // a blank to SentencePiece
    Utf8Check utf8;
    if (!utf8.Push(text) || CompleteUtf8Prefix(text) != text.size()) continue;
    const std::string back = tokenizer_->Detokenize(Ours({{text, false}}), true);
    if (back != text) ++different;
    ASSERT_TRUE(!keeps || back == text) << back << "\n" << text;
  }
  if (!keeps) {
    EXPECT_GT(different, 0);
    EXPECT_EQ(tokenizer_->Detokenize(Ours({{"the heart beats", false}}), true), "the heart beats");
  }
}

TEST_P(PromptTokenizerTest, PutsOneBosInFrontAndNoMore) {
  Tokens tokens = Ours({{"hello", true}});
  const Tokens plain = tokens;
  tokenizer_->AddBos(tokens);
  const bool adds = vocab_->get_add_bos() && vocab_->token_bos() != LLAMA_TOKEN_NULL;
  ASSERT_EQ(tokens.size(), plain.size() + (adds ? 1 : 0));
  EXPECT_TRUE(!adds || tokens.front() == vocab_->token_bos());
  const Tokens once = tokens;
  tokenizer_->AddBos(tokens);
  EXPECT_EQ(tokens, once);
}

// llama.cpp's own search is quadratic in what it finds: 0.5 to 31 s for a tenth of this, and a hundred times that for
// all.
TEST_P(PromptTokenizerTest, FindsManySpecialTokensInLinearTime) {
  std::vector<std::string> all = controls_;
  all.insert(all.end(), defined_.begin(), defined_.end());
  if (all.empty()) GTEST_SKIP() << "no special tokens";
  std::string text;
  while (text.size() < 1000000) text += all[text.size() % all.size()];
  for (const bool special : {false, true}) {
    if (!special && defined_.empty()) continue;  // plain text, of which each vocabulary has its own time
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_GT(Ours({{text, special}}).size(), 1000U);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  }
  text.resize(5000);
  EXPECT_EQ(Ours({{text, true}}), Plain(text, true));
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, PromptTokenizerTest, ::testing::ValuesIn(VocabularyNames()),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace medinfer
