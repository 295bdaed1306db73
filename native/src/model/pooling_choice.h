// How an engine of Task::kEmbed or kRerank makes one row of a text: what the model's file and the load options say.
#pragma once

#include <llama.h>

#include <cstdint>

#include "medinfer/load_options.h"
#include "medinfer/status.h"

namespace medinfer {

struct PoolingChoice {
  enum llama_pooling_type type = LLAMA_POOLING_TYPE_NONE;
  // Whether the row is that of the last token.
  bool of_last = false;
  // Whether a text has to be read in one pass: a token sees those behind it, or the row is made of several tokens.
  bool whole = false;
};

// kWrongTask where the model cannot do `options.task`. REQUIRES: that is not Task::kGenerate.
Result<PoolingChoice> ChoosePooling(const llama_model& model, const LoadOptions& options);

// "mean", "cls", "last", "rank" or "none".
const char* PoolingName(enum llama_pooling_type type);

// Values of a row.
std::uint32_t RowWidth(const llama_model& model, enum llama_pooling_type type);

}  // namespace medinfer
