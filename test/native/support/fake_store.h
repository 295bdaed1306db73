// A store of cells without a model: it knows what each cell was computed on.
//
// A cell holds a hash over all that its sequence has read up to it, so a sequence that sees one wrong cell shows it in
// every later one.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kv/cell_store.h"
#include "kv/kv_pool.h"

namespace medinfer::testing {

using CellValue = std::uint64_t;

// Of a first cell: nothing was read before it.
CellValue FirstValue(const std::string& salt);
// Of a cell whose sequence reads `value` behind a cell that holds `before`.
CellValue NextValue(CellValue before, std::uint64_t value);

class FakeStore final : public CellStore {
 public:
  FakeStore(const KvPool& pool, bool paged) : pool_(pool), paged_(paged), cells_(pool.cells()) {}

  bool paged() const override { return paged_; }
  void Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  void Forget(SequenceId sequence) override;
  void Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  std::uint64_t BytesPerCell() const override { return sizeof(CellValue); }
  std::vector<std::uint8_t> ReadPage(PageId page) const override;
  void WritePage(PageId page, std::span<const std::uint8_t> bytes) override;
  std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const override;
  void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                  std::span<const std::uint8_t> bytes) override;

  // A forward pass: the sequence reads `value`, which takes its next cell, at this position.
  void Read(SequenceId sequence, const std::string& salt, std::uint64_t value, std::int32_t position);
  // What the sequence's last cell holds.
  CellValue Last(SequenceId sequence) const;
  // What a cell of a table holds. REQUIRES: paged().
  CellValue At(const PageTable& table, std::uint32_t cell) const { return cells_[table.Cell(cell)]; }

  struct Attached {
    std::uint32_t cells = 0;  // written
    std::int32_t position = -1;
    std::vector<CellValue> own;  // of a store that is not paged
  };
  const std::map<SequenceId, Attached>& attached() const { return attached_; }

  bool out_of_memory = false;  // ReadCells throws

 private:
  const KvPool& pool_;
  bool paged_;
  std::vector<CellValue> cells_;
  std::map<SequenceId, Attached> attached_;
};

}  // namespace medinfer::testing
