#include "model/paged_kv.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "llama-batch.h"
#include "llama-cparams.h"
#include "llama-model.h"

namespace medinfer {
namespace {

// Attention looks at cells up to a multiple of this, so that a graph can be used again while a sequence grows.
constexpr std::uint32_t kAttentionStep = 256;

}  // namespace

PagedKv* PagedKv::Create(const llama_model& llm, const llama_memory_params& params, const llama_cparams& cparams,
                         const layer_filter_cb& filter, const KvPool& pool, bool gather) {
  const llama_hparams& hparams = llm.hparams;
  const bool plain = cparams.flash_attn && cparams.kv_unified && !hparams.use_alibi && hparams.ple_n_heads == 0 &&
                     hparams.swa_type == LLAMA_SWA_TYPE_NONE && params.mem_other == nullptr;
  return plain ? new PagedKv(llm, params, cparams, filter, pool, gather) : nullptr;
}

PagedKv::PagedKv(const llama_model& llm, const llama_memory_params& params, const llama_cparams& cparams,
                 const layer_filter_cb& filter, const KvPool& pool, bool gather)
    : llama_kv_cache(llm, llm.hparams, params.type_k, params.type_v, /*v_trans=*/false, cparams.offload_kqv,
                     /*unified=*/true, pool.cells(), cparams.n_seq_max, /*n_pad=*/1, /*n_swa=*/0, LLAMA_SWA_TYPE_NONE,
                     nullptr, filter, nullptr, nullptr),
      pool_(pool),
      non_causal_type_(llm.hparams.non_causal_type),
      gather_(gather),
      lists_(llm.devices.empty()),
      written_(cparams.n_seq_max) {}

void PagedKv::Attach(llama_seq_id sequence, std::uint32_t cells, llama_pos position) {
  written_[static_cast<std::size_t>(sequence)] = {.cells = cells,
                                                  .position = position,
                                                  .cells_before = cells,
                                                  .position_before = position,
                                                  .position_begin = position + 1};
}

llama_memory_context_ptr PagedKv::init_batch(llama_batch_allocr& balloc, uint32_t n_ubatch, bool /*embd_all*/) {
  balloc.split_reset();
  std::vector<llama_ubatch> ubatches;
  slot_info_vec_t places;
  std::vector<std::uint32_t> cells(written_.size());
  std::transform(written_.begin(), written_.end(), cells.begin(), [](const Written& w) { return w.cells; });
  for (llama_ubatch ubatch = balloc.split_simple(n_ubatch); ubatch.n_tokens > 0;
       ubatch = balloc.split_simple(n_ubatch)) {
    slot_info place{};
    place.resize(1);
    place.idxs[0].reserve(ubatch.n_tokens);
    for (std::uint32_t i = 0; i < ubatch.n_tokens; ++i) {
      const llama_seq_id sequence = ubatch.seq_id[i][0];
      std::uint32_t& cell = cells[static_cast<std::size_t>(sequence)];
      const PageTable& table = pool_.table(sequence);
      if (cell >= table.size()) return std::make_unique<llama_kv_cache_context>(LLAMA_MEMORY_STATUS_FAILED_PREPARE);
      place.idxs[0].push_back(table.Cell(cell++));
    }
    places.push_back(std::move(place));
    ubatches.push_back(std::move(ubatch));
  }
  return std::make_unique<llama_kv_cache_context>(this, std::move(places), std::move(ubatches));
}

void PagedKv::apply_ubatch(const slot_info& /*sinfo*/, const llama_ubatch& ubatch) {
  for (std::uint32_t s = 0; s < ubatch.n_seqs_unq; ++s) {
    Written& written = written_[static_cast<std::size_t>(ubatch.seq_id_unq[s])];
    written.cells_before = written.cells;
    written.position_before = written.position;
    written.position_begin = std::numeric_limits<llama_pos>::max();
  }
  for (std::uint32_t i = 0; i < ubatch.n_tokens; ++i) {
    Written& written = written_[static_cast<std::size_t>(ubatch.seq_id[i][0])];
    ++written.cells;
    written.position = std::max(written.position, ubatch.pos[i]);
    written.position_begin = std::min(written.position_begin, ubatch.pos[i]);
  }
  if (!gather_) return;
  std::uint32_t longest = 0;
  for (std::uint32_t s = 0; s < ubatch.n_seqs_unq; ++s)
    longest = std::max(longest, written_[static_cast<std::size_t>(ubatch.seq_id_unq[s])].cells);
  // The graph depends on it, so it changes seldom.
  n_seen_ = std::min(get_size(), std::max(kAttentionStep, std::bit_ceil(longest)));
}

uint32_t PagedKv::get_n_kv(const slot_info& /*sinfo*/) const {
  // Not the sequences of the ubatch alone: the range would jump from pass to pass, and with it the graph.
  const std::uint32_t used = pool_.pages().end() * pool_.page_size();
  return std::min(get_size(), std::max(kAttentionStep, (used + kAttentionStep - 1) / kAttentionStep * kAttentionStep));
}

template <typename T>
void PagedKv::FillMask(T* mask, std::int64_t n_kv, const llama_ubatch& ubatch, bool causal, T seen, T hidden) const {
  // The row of the sequence's token before: one cell fewer is seen there.
  std::vector<std::pair<const T*, std::uint32_t>> latest(written_.size(), {nullptr, 0});
  for (std::uint32_t i = 0; i < ubatch.n_tokens; ++i) {
    const llama_seq_id sequence = ubatch.seq_id[i][0];
    const auto s = static_cast<std::size_t>(sequence);
    const PageTable& table = pool_.table(sequence);
    auto& [before, cells] = latest[s];
    T* row = mask + n_kv * i;
    if (before != nullptr) {
      std::copy(before, before + n_kv, row);
      if (causal) row[table.Cell(cells++)] = seen;
    } else {
      cells = causal ? written_[s].cells_before + 1 : written_[s].cells;
      std::fill(row, row + n_kv, hidden);
      for (const PageTable::Run& run : table.runs()) {
        if (run.begin >= cells) break;
        const auto first = row + std::size_t{run.page} * pool_.page_size();
        std::fill(first, first + std::min(run.count, cells - run.begin), seen);
      }
    }
    before = row;
  }
}

void PagedKv::WriteMask(ggml_tensor* mask, const llama_ubatch& ubatch, bool causal) const {
  if (mask->type == GGML_TYPE_F16) {
    FillMask<ggml_fp16_t>(static_cast<ggml_fp16_t*>(mask->data), mask->ne[0], ubatch, causal, ggml_fp32_to_fp16(0.0F),
                          ggml_fp32_to_fp16(-INFINITY));
  } else {
    FillMask<float>(static_cast<float*>(mask->data), mask->ne[0], ubatch, causal, 0.0F, -INFINITY);
  }
}

void PagedKv::ListCells(const llama_ubatch& ubatch, bool causal) const {
  seen_.cells.clear();
  seen_.first.resize(ubatch.n_tokens);
  seen_.count.resize(ubatch.n_tokens);
  seen_.latest.assign(written_.size(), 0);
  for (std::uint32_t i = 0; i < ubatch.n_tokens; ++i) {
    const llama_seq_id sequence = ubatch.seq_id[i][0];
    const Written& written = written_[static_cast<std::size_t>(sequence)];
    std::int32_t& latest = seen_.latest[static_cast<std::size_t>(sequence)];
    if (latest == 0) latest = static_cast<std::int32_t>(written.cells_before);
    latest = static_cast<std::int32_t>(causal ? static_cast<std::uint32_t>(latest) + 1 : written.cells);
    seen_.count[i] = latest;
    if (i == 0 || ubatch.seq_id[i - 1][0] != sequence) {
      seen_.first[i] = static_cast<std::int64_t>(seen_.cells.size());
      for (const PageTable::Run& run : pool_.table(sequence).runs()) {
        if (run.begin >= written.cells) break;
        const auto cell = static_cast<std::int32_t>(run.page * pool_.page_size());
        const std::size_t begin = seen_.cells.size();
        seen_.cells.resize(begin + std::min(run.count, written.cells - run.begin));
        std::iota(seen_.cells.begin() + static_cast<std::ptrdiff_t>(begin), seen_.cells.end(), cell);
      }
    } else {
      seen_.first[i] = seen_.first[i - 1];
    }
  }
  seen_.cells.resize(seen_.cells.size() + GGML_CPU_SEEN_ROOM, seen_.cells.back());
}

void PagedKv::set_input_kq_mask(ggml_tensor* dst, const llama_ubatch* ubatch, bool causal_attn) const {
  // Such a model is non-causal in its sliding windows alone.
  const bool causal = causal_attn || non_causal_type_ == LLAMA_NON_CAUSAL_TYPE_SWA_ONLY;
  if (!lists_ || dst->type != GGML_TYPE_F16) {
    WriteMask(dst, *ubatch, causal);
    return;
  }
  ListCells(*ubatch, causal);
  seen_.ubatch = ubatch;
  seen_.causal = causal;
  seen_.told = {.cells = seen_.cells.data(),
                .first = seen_.first.data(),
                .count = seen_.count.data(),
                .write =
                    [](void* context, ggml_tensor* mask) {
                      const auto* self = static_cast<const PagedKv*>(context);
                      self->WriteMask(mask, *self->seen_.ubatch, self->seen_.causal);
                    },
                .context = const_cast<PagedKv*>(this),
                .written = false};
  dst->extra = &seen_.told;
}

void PagedKv::clear(bool data) {
  llama_kv_cache::clear(data);
  std::fill(written_.begin(), written_.end(), Written());
}

bool PagedKv::seq_rm(llama_seq_id sequence, llama_pos begin, llama_pos end) {
  if (sequence < 0 || end >= 0) return false;
  Written& written = written_[static_cast<std::size_t>(sequence)];
  if (begin <= 0) {
    written = Written();
    return true;
  }
  if (begin > written.position) return true;
  if (begin != written.position_begin) return false;
  Attach(sequence, written.cells_before, written.position_before);
  return true;
}

llama_pos PagedKv::seq_pos_min(llama_seq_id sequence) const {
  return written_[static_cast<std::size_t>(sequence)].cells > 0 ? 0 : -1;
}

llama_pos PagedKv::seq_pos_max(llama_seq_id sequence) const {
  return written_[static_cast<std::size_t>(sequence)].position;
}

}  // namespace medinfer
