// What has the keys and values of the cells that the pool gives out: llama.cpp's context or, in tests, a fake.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/kv_pool.h"

namespace medinfer {

class CellStore {
 public:
  virtual ~CellStore() = default;

  // Whether cells lie where the pool's pages say. Where the model's memory has rules of its own (sliding windows,
  // recurrent states), it finds them itself, the pool only counts, and nothing is shared, kept or swapped.
  virtual bool paged() const = 0;

  // A sequence begins: so many cells of its table are written, the last of them at this position (-1: none). Cells mean
  // nothing where the store is not paged.
  virtual void Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) = 0;
  // What the store has put off of what is written of the sequence is done: its cells are about to be read, or to
  // outlive it.
  virtual void Settle(SequenceId /*sequence*/) {}
  // The sequence's cells are free.
  virtual void Forget(SequenceId sequence) = 0;

  // REQUIRES, of all below: paged().
  // Of what is written of the sequence, the cells from `cells` on mean nothing any more; `position` is that of the last
  // that does.
  virtual void Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) = 0;
  virtual std::uint64_t BytesPerCell() const = 0;
  // A page, also one that is written in part. Throws std::bad_alloc.
  virtual std::vector<std::uint8_t> ReadPage(PageId page) const = 0;
  // `bytes` are what ReadPage made of some page. REQUIRES: one table alone has the page.
  virtual void WritePage(PageId page, std::span<const std::uint8_t> bytes) = 0;
  // The first `cells` of a table. REQUIRES: they are written. Throws std::bad_alloc.
  virtual std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const = 0;
  // Writes the cells begin … end of a table. `bytes` are what ReadCells made of `total` cells. REQUIRES: the table has
  // them, and no other table shares their pages.
  virtual void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                          std::span<const std::uint8_t> bytes) = 0;
};

}  // namespace medinfer
