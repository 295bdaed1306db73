// Two stores whose cells lie in the same pages, as one: what is known of a cell is what both have of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/cell_store.h"

namespace medinfer {

class JoinedCells final : public CellStore {
 public:
  // Both are paged, over pages of `page_size` cells, and outlive it.
  JoinedCells(CellStore& first, CellStore& second, std::uint32_t page_size)
      : first_(first), second_(second), page_size_(page_size) {}

  bool paged() const override { return true; }
  void Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  void Settle(SequenceId sequence) override;
  void Forget(SequenceId sequence) override;
  void Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) override;
  std::uint64_t BytesPerCell() const override { return first_.BytesPerCell() + second_.BytesPerCell(); }
  std::vector<std::uint8_t> ReadPage(PageId page) const override;
  void WritePage(PageId page, std::span<const std::uint8_t> bytes) override;
  std::vector<std::uint8_t> ReadCells(const PageTable& table, std::uint32_t cells) const override;
  void WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                  std::span<const std::uint8_t> bytes) override;

 private:
  CellStore& first_;
  CellStore& second_;
  const std::uint32_t page_size_;
};

}  // namespace medinfer
