// llama.cpp's KV cache over cells that are placed from outside. The tensors, the graphs over them and the forward pass
// are the base class's; which cell a token gets, and which cells it sees, come from the page tables of a KvPool.
//
// The base class's own account of cells (position, sequences) stays empty: a page may belong to no table, or to many.
// So nothing of the base that reads that account is reachable: searching cells, shifting, copying and saving sequences.
//
// Invariants:
//   - written(s) cells of sequence s hold keys and values; its table has at least that many;
//   - a token sees the cells of its sequence up to its own, in logical order. That is also the order of positions, and
//     of rows and columns where image tokens share one (M-RoPE).
// Belongs to the thread of its context.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ggml-cpu.h"
#include "kv/kv_pool.h"
#include "llama-kv-cache.h"

namespace medinfer {

class PagedKv final : public llama_kv_cache {
 public:
  // Null for a model that needs more than this: sliding windows, ALiBi, no flash attention, n-gram inputs. `pool` must
  // outlive it. `gather`: backends that can read the cells of a sequence alone, instead of the pool behind a mask, do.
  static PagedKv* Create(const llama_model& llm, const llama_memory_params& params, const llama_cparams& cparams,
                         const layer_filter_cb& filter, const KvPool& pool, bool gather);

  // Of the sequence's table the first `cells` are written; `position` is that of the last of them, or -1.
  void Attach(llama_seq_id sequence, std::uint32_t cells, llama_pos position);

  // Keys and values, as llama.cpp lays them out: layer by layer, first the keys of all cells, then the values.
  std::uint64_t BytesPerCell() const;
  // Those of a page.
  std::vector<std::uint8_t> ReadPage(PageId page) const;
  // `bytes` are what ReadPage made of some page.
  void WritePage(PageId page, std::span<const std::uint8_t> bytes);
  // Those of the first `cells` of a table. REQUIRES: they are written.
  std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const;
  // Writes the cells begin … end of a table. `bytes` are what ReadCells made of `total` cells. REQUIRES: the table has
  // them, and no other table writes their pages.
  void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                  std::span<const std::uint8_t> bytes);

  llama_memory_context_ptr init_batch(llama_batch_allocr& balloc, uint32_t n_ubatch, bool embd_all) override;
  void apply_ubatch(const slot_info& sinfo, const llama_ubatch& ubatch) override;
  uint32_t get_n_kv(const slot_info& sinfo) const override;
  uint32_t get_n_seen() const override { return n_seen_; }
  void set_input_kq_mask(ggml_tensor* dst, const llama_ubatch* ubatch, bool causal_attn) const override;

  void clear(bool data) override;
  // Of a pass that was given up, or of the whole sequence.
  bool seq_rm(llama_seq_id sequence, llama_pos begin, llama_pos end) override;
  llama_pos seq_pos_min(llama_seq_id sequence) const override;
  llama_pos seq_pos_max(llama_seq_id sequence) const override;
  bool get_can_shift() const override { return false; }

 private:
  // Calls `visit(tensor)` with the storage of all layers, in order.
  template <typename Visit>
  void ForEachStorage(Visit visit) const;

  struct Written {
    std::uint32_t cells = 0;
    llama_pos position = -1;  // of the last
    // Before the latest ubatch with tokens of this sequence, and the first position in it.
    std::uint32_t cells_before = 0;
    llama_pos position_before = -1;
    llama_pos position_begin = 0;
  };

  PagedKv(const llama_model& llm, const llama_memory_params& params, const llama_cparams& cparams,
          const layer_filter_cb& filter, const KvPool& pool, bool gather);

  template <typename T>
  void FillMask(T* mask, std::int64_t n_kv, const llama_ubatch& ubatch, bool causal, T seen, T hidden) const;
  // Writes what every token sees into the mask.
  void WriteMask(ggml_tensor* mask, const llama_ubatch& ubatch, bool causal) const;
  // Says it as lists of cells.
  void ListCells(const llama_ubatch& ubatch, bool causal) const;

  const KvPool& pool_;
  const llama_non_causal_type non_causal_type_;
  const bool gather_;
  // Whether attention on the CPU goes from cell to cell: then a mask, which has a place for every cell of the pool and
  // every token, is written only where something else asks for it.
  const bool lists_;
  // No token of the latest ubatch sees more cells: a backend drops what is beyond. 0: not to gather.
  std::uint32_t n_seen_ = 0;
  std::vector<Written> written_;  // by sequence

  // Of the pass that is being set up: what tokens see, and what to write a mask from. The base class sets inputs of
  // passes by const methods.
  struct Seen {
    std::vector<std::int32_t> cells;
    std::vector<std::int64_t> first;
    std::vector<std::int32_t> count;
    std::vector<std::int32_t> latest;  // by sequence: what its latest token sees
    const llama_ubatch* ubatch = nullptr;
    bool causal = true;
    ggml_cpu_seen_cells told{};
  };
  mutable Seen seen_;
};

}  // namespace medinfer
