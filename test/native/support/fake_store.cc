#include "support/fake_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <new>

namespace medinfer::testing {

CellValue FirstValue(const std::string& salt) { return MixBits(std::hash<std::string>()(salt)); }

CellValue NextValue(CellValue before, std::uint64_t value) { return MixBits(before ^ MixBits(value + 1)); }

void FakeStore::Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  EXPECT_FALSE(attached_.contains(sequence)) << "attached twice";
  Attached& attached = attached_[sequence];
  attached.cells = paged_ ? cells : 0;
  attached.position = position;
  EXPECT_LE(attached.cells, pool_.table(sequence).size());
}

void FakeStore::Forget(SequenceId sequence) { EXPECT_EQ(attached_.erase(sequence), 1U) << "forgotten twice"; }

void FakeStore::Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  Attached& attached = attached_.at(sequence);
  EXPECT_LE(cells, attached.cells) << "grows";
  EXPECT_LE(position, attached.position);
  attached.cells = cells;
  attached.position = position;
}

std::vector<std::uint8_t> FakeStore::ReadPage(PageId page) const {
  if (out_of_memory) throw std::bad_alloc();
  std::vector<std::uint8_t> bytes(pool_.page_size() * sizeof(CellValue));
  std::memcpy(bytes.data(), &cells_[std::size_t{page} * pool_.page_size()], bytes.size());
  return bytes;
}

void FakeStore::WritePage(PageId page, std::span<const std::uint8_t> bytes) {
  EXPECT_EQ(bytes.size(), pool_.page_size() * sizeof(CellValue));
  EXPECT_EQ(pool_.pages().refs(page), 1U) << "another sees it";
  std::memcpy(&cells_[std::size_t{page} * pool_.page_size()], bytes.data(), bytes.size());
}

std::vector<std::uint8_t> FakeStore::ReadCells(const PageTable& table, std::uint32_t cells) const {
  if (out_of_memory) throw std::bad_alloc();
  std::vector<std::uint8_t> bytes(cells * sizeof(CellValue));
  for (std::uint32_t i = 0; i < cells; ++i) {
    std::memcpy(&bytes[i * sizeof(CellValue)], &cells_[table.Cell(i)], sizeof(CellValue));
  }
  return bytes;
}

void FakeStore::WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                           std::span<const std::uint8_t> bytes) {
  EXPECT_EQ(bytes.size(), total * sizeof(CellValue));
  for (std::uint32_t i = begin; i < end; ++i) {
    std::memcpy(&cells_[table.Cell(i)], &bytes[i * sizeof(CellValue)], sizeof(CellValue));
  }
}

void FakeStore::Read(SequenceId sequence, const std::string& salt, std::uint64_t value, std::int32_t position) {
  Attached& attached = attached_.at(sequence);
  EXPECT_GE(position, attached.position) << "positions never go back";
  const CellValue before = attached.cells == 0 ? FirstValue(salt) : Last(sequence);
  if (paged_) {
    ASSERT_LT(attached.cells, pool_.table(sequence).size()) << "a token without a cell";
    cells_[pool_.table(sequence).Cell(attached.cells)] = NextValue(before, value);
  } else {
    attached.own.push_back(NextValue(before, value));
  }
  ++attached.cells;
  attached.position = position;
}

CellValue FakeStore::Last(SequenceId sequence) const {
  const Attached& attached = attached_.at(sequence);
  return paged_ ? cells_[pool_.table(sequence).Cell(attached.cells - 1)] : attached.own.back();
}

}  // namespace medinfer::testing
