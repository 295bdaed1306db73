// A suite that needs a vocabulary and no weights: that of the random-weight model, loaded once.
#pragma once

#include <gtest/gtest.h>
#include <llama.h>

#include <cstddef>

#include "medinfer/backends.h"
#include "support/engine_harness.h"
#include "support/places.h"

namespace medinfer::testing {

class VocabularyTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(InitBackends(places::kBackends).ok());
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    model_ = llama_model_load_from_file(RandomModel().c_str(), params);
    ASSERT_NE(model_, nullptr);
    vocab_ = llama_model_get_vocab(model_);
    n_vocab_ = static_cast<std::size_t>(llama_vocab_n_tokens(vocab_));
  }
  static void TearDownTestSuite() { llama_model_free(model_); }

  inline static const llama_vocab* vocab_ = nullptr;
  inline static std::size_t n_vocab_ = 0;

 private:
  inline static llama_model* model_ = nullptr;
};

}  // namespace medinfer::testing
