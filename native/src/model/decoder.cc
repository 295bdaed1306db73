#include "model/decoder.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log_capture.h"
#include "device/assertion_guard.h"
#include "ggml-backend.h"
#include "llama-ext.h"
#include "llama.h"
#include "model/context_failure.h"
#include "model/cpu_threads.h"
#include "model/paged_kv.h"
#include "model/pooling_choice.h"
#include "mtmd.h"
#include "prompt/prompt_cursor.h"

namespace medinfer {
namespace {

constexpr std::int32_t kRefusedBatch = -1;  // llama_decode's: ids that the vocabulary does not have

constexpr std::size_t kMropePlanes = 4;  // t, y, x, z: the order in which llama_batch.pos holds them

ggml_type ToGgml(KvType type) {
  switch (type) {
    case KvType::kF32:
      return GGML_TYPE_F32;
    case KvType::kF16:
      return GGML_TYPE_F16;
    case KvType::kQ8_0:
      return GGML_TYPE_Q8_0;
    case KvType::kQ4_0:
      return GGML_TYPE_Q4_0;
  }
  return GGML_TYPE_F16;
}

bool IsQuantized(KvType type) { return type == KvType::kQ8_0 || type == KvType::kQ4_0; }

// Brings a KV cache of ours along to the contexts that this thread creates while it lives.
class MakeCache {
 public:
  explicit MakeCache(llama_kv_cache_maker make) : make_(std::move(make)) { llama_kv_cache_make = &make_; }
  ~MakeCache() { llama_kv_cache_make = nullptr; }
  MakeCache(const MakeCache&) = delete;
  MakeCache& operator=(const MakeCache&) = delete;

 private:
  llama_kv_cache_maker make_;
};

// Rows are pooled within a ubatch, so a pass is one.
void SetPooling(const PoolingChoice& pooling, std::uint32_t n_ctx_per_request, llama_context_params& params) {
  params.embeddings = true;
  params.pooling_type = pooling.type;
  params.n_batch = std::max(params.n_batch, params.n_ubatch);
  // The longest text, alone if it is longer than the budget.
  if (pooling.whole) params.n_batch = std::max(params.n_batch, n_ctx_per_request);
  params.n_ubatch = params.n_batch;
  if (pooling.whole) params.n_outputs_max = params.n_batch;
}

struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};

// Indices of the spans, those of the same adapters side by side: an adapter costs from its first token to its last.
std::vector<std::size_t> SideBySide(std::span<const TextSpan> spans) {
  std::vector<std::size_t> order(spans.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](std::size_t a, std::size_t b) {
    return std::ranges::lexicographical_compare(spans[a].adapters, spans[b].adapters, {}, &AdapterShare::order,
                                                &AdapterShare::order);
  };
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return before(a, b) || (!before(b, a) && a < b); });
  return order;
}

}  // namespace

// Members are destroyed from the last to the first: the threads leave the context before it is freed.
struct Decoder::Impl {
  AbortFn should_abort;
  std::unique_ptr<llama_context, ContextDeleter> context;
  PagedKv* paged = nullptr;  // the context's; null: it has a memory of llama.cpp's own
  std::unique_ptr<CpuThreads> threads;
  std::size_t n_vocab = 0;
  std::size_t n_embd_inp = 0;
  std::size_t n_hidden = 0;
  bool head = false;
  std::uint32_t threads_used = 0;
  double forward_ms = 0;
  bool finds_likeliest = false;
  std::optional<PoolingChoice> pooling;  // nothing: with Task::kGenerate
  std::size_t row_width = 0;
  std::string failure;

  // The batch of the current pass. One entry per token, except `position` with M-RoPE (planes) and `embedding`.
  std::vector<llama_token> token;
  std::vector<float> embedding;
  std::vector<llama_pos> position;
  std::vector<llama_seq_id> sequence;
  std::vector<std::int32_t> n_sequences;
  std::vector<llama_seq_id*> sequences;
  std::vector<std::int8_t> wants_logits;
  std::vector<std::int32_t> logits_at;  // by span: index of its last token
  std::vector<AdapterShare> shares;     // of all its sequences: each adapter once, in order
  std::vector<llama_adapter_lora*> adapters;
  std::vector<float> scales;  // adapters × sequence ids

  void Clear() {
    token.clear();
    embedding.clear();
    position.clear();
    sequence.clear();
    wants_logits.clear();
    logits_at.clear();
  }

  // Enters what text and media have in common.
  void AddRun(std::size_t span, SequenceId id, std::size_t count, std::uint32_t logits) {
    sequence.insert(sequence.end(), count, id);
    // Rows are pooled of the tokens that are put out; a pass has to put out something (patch 0100).
    const std::size_t out = !pooling ? logits : pooling->of_last ? 1 : count;
    wants_logits.insert(wants_logits.end(), count, 0);
    std::fill(wants_logits.end() - static_cast<std::ptrdiff_t>(out), wants_logits.end(), 1);
    logits_at[span] = static_cast<std::int32_t>(sequence.size()) - 1;
  }

  void AddMropePositions(std::span<const MediaSpan> spans);
  template <typename Span>
  void UseAdapters(std::span<const Span> spans);
  DecodeOutcome Decode(bool prefill, bool copies_logits);
};

// llama_batch wants all tokens' t, then all their y, x and z.
void Decoder::Impl::AddMropePositions(std::span<const MediaSpan> spans) {
  const std::size_t n = sequence.size();
  position.resize(kMropePlanes * n);
  std::size_t at = 0;
  for (const MediaSpan& span : spans) {
    const mtmd_image_tokens* layout = mtmd_input_chunk_get_tokens_image(span.chunk->mrope_layout.get());
    for (std::uint32_t i = 0; i < span.count; ++i, ++at) {
      const mtmd_decoder_pos p = mtmd_image_tokens_get_decoder_pos(layout, span.chunk_position, span.begin + i);
      position[at] = static_cast<llama_pos>(p.t);
      position[at + n] = static_cast<llama_pos>(p.y);
      position[at + 2 * n] = static_cast<llama_pos>(p.x);
      position[at + 3 * n] = static_cast<llama_pos>(p.z);
    }
  }
}

// Adapters of no sequence of this pass are not in its graph: they would cost without effect.
template <typename Span>
void Decoder::Impl::UseAdapters(std::span<const Span> spans) {
  shares.clear();
  for (const Span& span : spans) shares.insert(shares.end(), span.adapters.begin(), span.adapters.end());
  const auto key = [](const AdapterShare& share) { return std::pair(share.order, share.adapter); };
  std::ranges::sort(shares, {}, key);
  shares.erase(std::ranges::unique(shares, {}, key).begin(), shares.end());
  adapters.clear();
  for (const AdapterShare& share : shares) adapters.push_back(share.adapter);
  const std::size_t n_sequences_max = llama_n_seq_max(context.get());
  scales.assign(adapters.size() * n_sequences_max, 0);
  for (const Span& span : spans) {
    for (const AdapterShare& share : span.adapters) {
      const auto row = static_cast<std::size_t>(std::ranges::find(adapters, share.adapter) - adapters.begin());
      scales[row * n_sequences_max + static_cast<std::size_t>(span.sequence)] = share.scale;
    }
  }
  llama_set_adapters_lora_by_seq(context.get(), adapters.data(), adapters.size(), scales.data());
}

DecodeOutcome Decoder::Impl::Decode(bool prefill, bool copies_logits) {
  const std::size_t n = sequence.size();
  n_sequences.assign(n, 1);
  sequences.resize(n);
  for (std::size_t i = 0; i < n; ++i) sequences[i] = &sequence[i];
  llama_batch batch{};
  batch.n_tokens = static_cast<std::int32_t>(n);
  batch.token = token.empty() ? nullptr : token.data();
  batch.embd = embedding.empty() ? nullptr : embedding.data();
  batch.pos = position.data();
  batch.n_seq_id = n_sequences.data();
  batch.seq_id = sequences.data();
  batch.logits = wants_logits.data();

  if (finds_likeliest) llama_set_copy_logits(context.get(), copies_logits);
  threads_used = threads->Prepare(prefill, static_cast<std::uint32_t>(n));
  const auto begin = std::chrono::steady_clock::now();
  const LogCapture log;
  std::int32_t rc = 0;
  const std::optional<std::string> assertion = Attempt([&] {
    rc = llama_decode(context.get(), batch);
    llama_synchronize(context.get());
  });
  if (assertion) {
    failure = *assertion;
    return DecodeOutcome::kFailed;
  }
  const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
  forward_ms += elapsed.count();
  switch (rc) {
    case 0:
      threads->Report(prefill, static_cast<std::uint32_t>(n), elapsed.count());
      return DecodeOutcome::kOk;
    case 1:
      return DecodeOutcome::kNoRoom;
    case 2:
      return DecodeOutcome::kAborted;
    case kRefusedBatch:
      failure = log.errors();
      return DecodeOutcome::kFailed;
    default:
      failure = log.Assertion();
      return DecodeOutcome::kFailed;
  }
}

Decoder::Decoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Decoder::~Decoder() = default;

Result<std::unique_ptr<Decoder>> Decoder::Create(const Model& model, const LoadOptions& options,
                                                 std::uint32_t n_ctx_per_request, const KvPool& pool,
                                                 AbortFn should_abort) {
  return Make(model, options, n_ctx_per_request, pool, std::move(should_abort), /*head=*/false);
}

Result<std::unique_ptr<Decoder>> Decoder::CreateHead(const Model& model, const LoadOptions& options,
                                                     std::uint32_t n_ctx_per_request, const KvPool& pool,
                                                     AbortFn should_abort) {
  auto made = Make(model, options, n_ctx_per_request, pool, std::move(should_abort), /*head=*/true);
  if (made.ok() && !made.value()->paged()) {
    return Status(Code::kInvalidArgument, "the prediction heads of this model keep a memory of their own");
  }
  return made;
}

Result<std::unique_ptr<Decoder>> Decoder::Make(const Model& model, const LoadOptions& options,
                                               std::uint32_t n_ctx_per_request, const KvPool& pool,
                                               AbortFn should_abort, bool head) {
  if (Status status = CheckContextOptions(*model.get(), options); !status.ok()) return status;
  auto impl = std::make_unique<Impl>();
  impl->should_abort = std::move(should_abort);
  if (options.task != Task::kGenerate) {
    auto pooling = ChoosePooling(*model.get(), options);
    if (!pooling.ok()) return pooling.status();
    impl->pooling = pooling.value();
    impl->row_width = RowWidth(*model.get(), pooling.value().type);
  }
  llama_context_params params = llama_context_default_params();
  params.n_ubatch = options.n_ubatch;
  // Decode tokens are planned even where they exceed the budget, with one token of a prompt beside them.
  const std::uint32_t budget = options.n_batch == 0 ? options.n_ubatch : options.n_batch;
  params.n_batch = std::max(budget, options.batch_size + 1);
  params.n_seq_max = options.batch_size;
  // Logits of one token for each sequence and pass, and some more: spares compute memory.
  params.n_outputs_max = options.batch_size + kMostPromptLogits;
  params.type_k = ToGgml(options.kv_type);
  params.type_v = ToGgml(options.kv_type);
  // A quantized V cache exists only with flash attention.
  params.flash_attn_type = IsQuantized(options.kv_type) ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.kv_unified = true;
  params.no_perf = true;
  if (impl->pooling) SetPooling(*impl->pooling, n_ctx_per_request, params);
  params.abort_callback = [](void* data) { return static_cast<Impl*>(data)->should_abort(); };
  params.abort_callback_data = impl.get();
  if (head) params.ctx_type = LLAMA_CONTEXT_TYPE_MTP;
  const LogCapture log;
  // The pool may be larger than what one request, and the model, can use: some models read their context's length as a
  // fact about the positions to come. A pass must fit it all the same.
  params.n_ctx = std::max(n_ctx_per_request, params.n_batch);
  std::optional<std::string> assertion;
  {
    const MakeCache make([&](const auto& llm, const auto& memory, const auto& context, const auto& filter) {
      // Of several heads the first is run: the others need no cells.
      const auto first = [&](std::int32_t layer) { return layer == llama_model_n_layer(model.get()) && filter(layer); };
      return impl->paged = head ? PagedKv::Create(llm, memory, context, first, pool, options.kv_gather)
                                : PagedKv::Create(llm, memory, context, filter, pool, options.kv_gather);
    });
    assertion = Attempt([&] { impl->context.reset(llama_init_from_model(model.get(), params)); });
  }
  if (impl->paged == nullptr && impl->context != nullptr && pool.cells() > params.n_ctx) {
    impl->context.reset();
    params.n_ctx = pool.cells();
    assertion = Attempt([&] { impl->context.reset(llama_init_from_model(model.get(), params)); });
  }
  if (const std::string why = assertion.value_or(log.Assertion()); impl->context == nullptr && !why.empty()) {
    return DamagedModel(why);
  }
  if (impl->context != nullptr && llama_get_memory(impl->context.get()) == nullptr) {
    if (!impl->pooling) {
      return Status(Code::kWrongTask,
                    "the model reads texts and writes none: load it with task \"embed\" or \"rerank\", or load a "
                    "model that generates");
    }
    if (!impl->pooling->whole) {  // a file that does not say that its tokens see each other
      impl->pooling->whole = true;
      SetPooling(*impl->pooling, n_ctx_per_request, params);
      impl->context.reset();
      assertion = Attempt([&] { impl->context.reset(llama_init_from_model(model.get(), params)); });
    }
  }
  if (impl->context == nullptr) return ContextFailure(log.lines(), log.errors(), pool.cells());
  impl->threads = std::make_unique<CpuThreads>(impl->context.get(), options.n_threads,
                                               impl->pooling ? Products::kOutward : Products::kDot);
  impl->head = head;
  impl->finds_likeliest =
      !impl->pooling && !head && model.has_output_on_device() && options.split_mode != SplitMode::kTensor;
  llama_set_arg_max(impl->context.get(), impl->finds_likeliest);
  impl->n_vocab = static_cast<std::size_t>(llama_vocab_n_tokens(model.vocab()));
  impl->n_hidden = static_cast<std::size_t>(llama_model_n_embd_out(model.get()));
  impl->n_embd_inp = static_cast<std::size_t>(llama_model_n_embd_inp(model.get()));
  return std::unique_ptr<Decoder>(new Decoder(std::move(impl)));
}

DecodeOutcome Decoder::DecodeText(std::span<const TextSpan> spans, bool copies_logits) {
  impl_->Clear();
  impl_->logits_at.resize(spans.size());
  bool prefill = false;
  for (const std::size_t index : SideBySide(spans)) {
    const TextSpan& span = spans[index];
    impl_->AddRun(index, span.sequence, span.tokens.size(), span.logits);
    impl_->token.insert(impl_->token.end(), span.tokens.begin(), span.tokens.end());
    impl_->embedding.insert(impl_->embedding.end(), span.hidden.begin(), span.hidden.end());
    std::int32_t position = span.first_position;
    for (std::size_t i = 0; i < span.tokens.size(); ++i) impl_->position.push_back(position++);
    prefill = prefill || (span.tokens.size() > 1 && !span.generated);
  }
  impl_->UseAdapters(spans);
  if (impl_->head) {
    // Of all tokens: llama.cpp takes the first rows for those of the tokens that are put out, whichever these are.
    const bool puts_out = std::ranges::any_of(spans, [](const TextSpan& span) { return span.logits > 0; });
    llama_set_embeddings_nextn(impl_->context.get(), puts_out, /*masked=*/false);
  }
  return impl_->Decode(prefill, copies_logits);
}

DecodeOutcome Decoder::DecodeMedia(std::span<const MediaSpan> spans, bool copies_logits) {
  impl_->Clear();
  impl_->logits_at.resize(spans.size());
  for (std::size_t index = 0; index < spans.size(); ++index) {
    const MediaSpan& span = spans[index];
    impl_->AddRun(index, span.sequence, span.count, span.logits);
    const auto first = span.chunk->embedding->begin() + static_cast<std::ptrdiff_t>(span.begin * impl_->n_embd_inp);
    const auto last = first + static_cast<std::ptrdiff_t>(span.count * impl_->n_embd_inp);
    impl_->embedding.insert(impl_->embedding.end(), first, last);
    auto position = span.chunk_position + static_cast<std::int32_t>(span.begin);
    for (std::uint32_t i = 0; i < span.count; ++i) impl_->position.push_back(position++);
  }
  const MediaChunk& chunk = *spans.front().chunk;
  if (chunk.mrope_layout != nullptr) impl_->AddMropePositions(spans);
  impl_->UseAdapters(spans);
  if (chunk.non_causal) llama_set_causal_attn(impl_->context.get(), false);
  const DecodeOutcome outcome = impl_->Decode(/*prefill=*/true, copies_logits);
  if (chunk.non_causal) llama_set_causal_attn(impl_->context.get(), true);
  return outcome;
}

void Decoder::PutOutHidden() {
  llama_set_embeddings_nextn(impl_->context.get(), true, /*masked=*/false);
  llama_reserve(impl_->context.get());
}

std::string Decoder::TryAdapter(llama_adapter_lora* adapter) {
  const std::vector<float> none(llama_n_seq_max(impl_->context.get()), 0);
  const LogCapture log;
  const std::optional<std::string> assertion = Attempt([&] {
    llama_set_adapters_lora_by_seq(impl_->context.get(), &adapter, 1, none.data());
    llama_reserve(impl_->context.get());
  });
  ForgetAdapters();
  return assertion.value_or(log.Assertion());
}

void Decoder::ForgetAdapters() { llama_set_adapters_lora_by_seq(impl_->context.get(), nullptr, 0, nullptr); }

std::span<float> Decoder::Logits(std::size_t span, std::uint32_t before_last) {
  const std::int32_t row = impl_->logits_at[span] - static_cast<std::int32_t>(before_last);
  return {llama_get_logits_ith(impl_->context.get(), row), impl_->n_vocab};
}

bool Decoder::finds_likeliest() const { return impl_->finds_likeliest; }

std::int32_t Decoder::Likeliest(std::size_t span, std::uint32_t before_last) const {
  return llama_get_arg_max_ith(impl_->context.get(), impl_->logits_at[span] - static_cast<std::int32_t>(before_last));
}

std::span<const float> Decoder::Hidden(std::size_t span, std::uint32_t n) const {
  const std::int32_t first = impl_->logits_at[span] + 1 - static_cast<std::int32_t>(n);
  return {llama_get_embeddings_nextn_ith(impl_->context.get(), first), n * impl_->n_hidden};
}

std::size_t Decoder::n_hidden() const { return impl_->n_hidden; }

std::span<const float> Decoder::Pooled(SequenceId sequence) const {
  return {llama_get_embeddings_seq(impl_->context.get(), sequence), impl_->row_width};
}

bool Decoder::pools() const { return impl_->pooling.has_value(); }

bool Decoder::reads_whole() const { return impl_->pooling->whole; }

const char* Decoder::pooling() const { return PoolingName(impl_->pooling->type); }

std::uint32_t Decoder::row_width() const { return static_cast<std::uint32_t>(impl_->row_width); }

bool Decoder::has_cells() const { return llama_get_memory(impl_->context.get()) != nullptr; }

void Decoder::Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  if (impl_->paged != nullptr) impl_->paged->Attach(sequence, cells, position);
}

void Decoder::Forget(SequenceId sequence) {
  llama_memory_seq_rm(llama_get_memory(impl_->context.get()), sequence, -1, -1);
}

void Decoder::Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  impl_->paged->Attach(sequence, cells, position);
}

std::uint64_t Decoder::BytesPerCell() const { return impl_->paged->BytesPerCell(); }

std::vector<std::uint8_t> Decoder::ReadPage(PageId page) const { return impl_->paged->ReadPage(page); }

void Decoder::WritePage(PageId page, std::span<const std::uint8_t> bytes) { impl_->paged->WritePage(page, bytes); }

std::vector<std::uint8_t> Decoder::ReadCells(const PageTable& table, std::uint32_t cells) const {
  return impl_->paged->ReadCells(table, cells);
}

void Decoder::WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                         std::span<const std::uint8_t> bytes) {
  impl_->paged->WriteCells(table, begin, end, total, bytes);
}

std::vector<DeviceMemory> Decoder::Memory(const std::vector<ggml_backend_dev_t>& devices) const {
  std::vector<DeviceMemory> memory(devices.size() + 1);
  for (std::size_t i = 0; i < devices.size(); ++i) memory[i].device = ggml_backend_dev_name(devices[i]);
  memory.back().device = "CPU";
  for (const auto& [type, bytes] : llama_get_memory_breakdown(impl_->context.get())) {
    ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
    const auto add = [&](DeviceMemory& to) {
      if (!impl_->head) to.weights += bytes.model;
      to.kv += bytes.context;
      to.compute += bytes.compute;
    };
    if (device != nullptr && ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_META) {
      // SplitMode::kTensor: all devices as one, of which only the largest part is reported.
      std::for_each(memory.begin(), memory.end() - 1, add);
      continue;
    }
    const auto owner = std::ranges::find(devices, device);
    // What a GPU reaches in the host's memory is the host's.
    const bool host = ggml_backend_buft_is_host(type) || owner == devices.end();
    add(host ? memory.back() : memory[static_cast<std::size_t>(owner - devices.begin())]);
  }
  return memory;
}

const std::string& Decoder::failure() const { return impl_->failure; }

bool Decoder::paged() const { return impl_->paged != nullptr; }

std::uint32_t Decoder::n_ubatch() const { return llama_n_ubatch(impl_->context.get()); }

std::uint64_t Decoder::graphs_reused() const {
  return static_cast<std::uint64_t>(llama_perf_context(impl_->context.get()).n_reused);
}

double Decoder::forward_ms() const { return impl_->forward_ms; }

void Decoder::ShareCpuWith(std::shared_ptr<const CpuShare> share) { impl_->threads->ShareWith(std::move(share)); }

std::uint32_t Decoder::threads() const { return impl_->threads_used; }

}  // namespace medinfer
