// RAII over a llama_context and what a forward pass needs: the batch, CPU threads, the abort hook.
// Not thread-safe: after construction only the engine thread touches it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kv/cell_store.h"
#include "kv/kv_pool.h"
#include "medinfer/load_options.h"
#include "medinfer/status.h"
#include "model/model.h"
#include "prompt/prepared_prompt.h"

struct llama_adapter_lora;

namespace medinfer {

class CpuShare;

// A LoRA adapter as a sequence has it.
struct AdapterShare {
  llama_adapter_lora* adapter = nullptr;
  std::uint64_t order = 0;  // adapters are added up by it, so that a sum does not hang on who else is in the pass
  float scale = 1;
};

enum class DecodeOutcome : std::uint8_t {
  kOk,
  kNoRoom,   // the KV cache found no place; nothing was computed
  kAborted,  // the abort hook fired; the pass's tokens are not in the cache
  kFailed,   // the backend or the model failed; the context's state is unknown
};

// A run of consecutive tokens of one sequence within a forward pass.
struct TextSpan {
  SequenceId sequence = 0;
  std::int32_t first_position = 0;
  std::span<const std::int32_t> tokens;
  std::uint32_t logits = 0;  // rows: of so many of the last tokens
  std::span<const AdapterShare> adapters{};
  bool generated = false;  // a drawn token and what may follow it; otherwise a part of a prompt
  // With CreateHead: for each token the hidden row of the one before it.
  std::span<const float> hidden{};
};

struct MediaSpan {
  SequenceId sequence = 0;
  std::int32_t chunk_position = 0;  // of the chunk's first token
  const MediaChunk* chunk = nullptr;
  std::uint32_t begin = 0;  // tokens of the chunk
  std::uint32_t count = 0;
  std::uint32_t logits = 0;  // 1: of the last token
  std::span<const AdapterShare> adapters{};
};

class Decoder final : public CellStore {
 public:
  // Asked on the engine thread between graph nodes; true ends the pass. CPU only: other backends finish the ubatch.
  using AbortFn = std::function<bool()>;

  // `pool` says where cells lie, if paged(); it must outlive the decoder.
  static Result<std::unique_ptr<Decoder>> Create(const Model& model, const LoadOptions& options,
                                                 std::uint32_t n_ctx_per_request, const KvPool& pool,
                                                 AbortFn should_abort);
  // The same over the first of the model's prediction heads: a layer behind the others that says from a token, and from
  // what the model made of the one before it (Hidden), which token follows. Its cells are those of the model's decoder
  // over the same pool. Fails where the head's memory needs rules of its own. REQUIRES: model.has_heads().
  static Result<std::unique_ptr<Decoder>> CreateHead(const Model& model, const LoadOptions& options,
                                                     std::uint32_t n_ctx_per_request, const KvPool& pool,
                                                     AbortFn should_abort);
  ~Decoder() override;

  // From the next pass on the hidden rows of all tokens are there. No more logits are computed for it.
  void PutOutHidden();

  // Builds the largest graphs with an adapter, and allocates for them. Returns what was asserted over it; empty:
  // nothing.
  std::string TryAdapter(llama_adapter_lora* adapter);
  // None of the passes so far is of use for those to come, and no adapter is referred to.
  void ForgetAdapters();

  // Of an engine of Task::kGenerate. One forward pass, in which each sequence has its own adapters. At most
  // kMostPromptLogits rows are asked for beside one for each sequence. They are kept, in the order of the spans that
  // ask for them, until the next pass. They may stay on their device with `copies_logits` false: where
  // finds_likeliest(), where nothing more is needed.
  DecodeOutcome DecodeText(std::span<const TextSpan> spans, bool copies_logits);
  DecodeOutcome DecodeMedia(std::span<const MediaSpan> spans, bool copies_logits);

  // Of the latest pass: of the token so many before the span's last. REQUIRES: that span asked for it, and logits were
  // copied. Overwritable.
  std::span<float> Logits(std::size_t span, std::uint32_t before_last = 0);
  // Whether a pass finds the likeliest token of each row itself. So it does where the rows are not the host's.
  bool finds_likeliest() const;
  // That of the latest pass, as Logits(). REQUIRES: finds_likeliest(), and that span asked for it.
  std::int32_t Likeliest(std::size_t span, std::uint32_t before_last = 0) const;

  // Of the latest pass, a pass of text: of the span's last `n` tokens, n_hidden() values each. REQUIRES:
  // PutOutHidden(), or of CreateHead: some span asked for logits.
  std::span<const float> Hidden(std::size_t span, std::uint32_t n = 1) const;
  std::size_t n_hidden() const;

  // Of an engine of another task, in place of the three above: the row of a sequence of the latest pass, DecodeText's.
  // REQUIRES: the pass held the sequence's last token, and with reads_whole() all of its tokens.
  std::span<const float> Pooled(SequenceId sequence) const;
  // Whether the engine is one of another task.
  bool pools() const;
  // Whether a text has to be read in one pass. REQUIRES: pools().
  bool reads_whole() const;
  // "mean", "cls", "last" or "rank". REQUIRES: pools().
  const char* pooling() const;
  // Values of a row. REQUIRES: pools().
  std::uint32_t row_width() const;

  // Whether sequences have cells at all: a model that reads whole texts only may keep nothing of them.
  bool has_cells() const;
  bool paged() const override;
  void Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  void Forget(SequenceId sequence) override;
  void Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  std::uint64_t BytesPerCell() const override;
  std::vector<std::uint8_t> ReadPage(PageId page) const override;
  void WritePage(PageId page, std::span<const std::uint8_t> bytes) override;
  std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const override;
  void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                  std::span<const std::uint8_t> bytes) override;

  // What the model, its cache and the buffers of a pass take, by device: those of `devices`, and last the host. The
  // weights of a head are the model's.
  std::vector<DeviceMemory> Memory(const std::vector<ggml_backend_dev_t>& devices) const;

  // After kFailed: what was asserted over the model's data. Empty: nothing, the backend itself failed.
  const std::string& failure() const;
  std::uint32_t n_ubatch() const;
  // What the passes took, with the waits for the device.
  double forward_ms() const;
  // Passes that could run the graph of the one before.
  std::uint64_t graphs_reused() const;
  // From now on an encoder shares the CPU's cores.
  void ShareCpuWith(std::shared_ptr<const CpuShare> share);
  // CPU threads of the latest pass.
  std::uint32_t threads() const;

 private:
  struct Impl;

  explicit Decoder(std::unique_ptr<Impl> impl);
  static Result<std::unique_ptr<Decoder>> Make(const Model& model, const LoadOptions& options,
                                               std::uint32_t n_ctx_per_request, const KvPool& pool,
                                               AbortFn should_abort, bool head);

  std::unique_ptr<Impl> impl_;
};

}  // namespace medinfer
