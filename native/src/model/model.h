// RAII over a loaded llama_model and its vocabulary. Immutable after Load, so all const methods may be called from any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/placement.h"
#include "medinfer/load_options.h"
#include "medinfer/model_info.h"
#include "medinfer/status.h"
#include "text/prompt_tokenizer.h"

struct llama_model;
struct llama_vocab;

namespace medinfer {

class Model {
 public:
  // Blocks while the file is read. `progress` as in Engine::Load.
  static Result<std::unique_ptr<Model>> Load(const LoadOptions& options, const Placement& placement,
                                             const ProgressFn& progress);
  // Reads the file's metadata alone. A decoder over it allocates nothing and cannot decode: it says how much memory
  // it would take.
  static Result<std::unique_ptr<Model>> Outline(const LoadOptions& options, const Placement& placement);

  llama_model* get() const { return model_.get(); }
  const llama_vocab* vocab() const { return vocab_; }

  // Heads of keys and values in a layer.
  std::int64_t n_head_kv() const;
  // Whether it has prediction heads that Decoder::CreateHead runs, and their weights are loaded.
  bool has_heads() const;
  // Whether the logits are computed on another device than the CPU.
  bool has_output_on_device() const;

  // The file's value under a key, at most 511 bytes of it; empty: there is none.
  std::string Metadata(const char* key) const;

  // How the file writes a query and a document as one text; empty: it does not say.
  std::string pair_template() const;

  // Facts of the file; the fields that depend on load options are left 0.
  ModelInfo Describe() const;

  const PromptTokenizer& tokenizer() const { return tokenizer_; }

 private:
  struct Deleter {
    void operator()(llama_model* model) const;
  };

  explicit Model(llama_model* model);
  static Result<std::unique_ptr<Model>> Read(const LoadOptions& options, const Placement& placement,
                                             const ProgressFn& progress, bool outline);
  std::vector<EndToken> EndTokens() const;
  std::optional<InfillTokens> Infill() const;

  std::unique_ptr<llama_model, Deleter> model_;
  const llama_vocab* vocab_;  // owned by model_
  PromptTokenizer tokenizer_;
};

// For what llama.cpp asserts or throws over the model while it is used; `what`: its text.
Status DamagedModel(const std::string& what);

// Whether `path` is a readable file that begins as a GGUF does. The codes say which file of the pair it is.
Status CheckGgufFile(const std::string& path, const char* what, Code not_found, Code damaged);

}  // namespace medinfer
