#include "kv/joined_cells.h"

namespace medinfer {
namespace {

std::vector<std::uint8_t> Join(std::vector<std::uint8_t> bytes, const std::vector<std::uint8_t>& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

}  // namespace

void JoinedCells::Attach(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  first_.Attach(sequence, cells, position);
  second_.Attach(sequence, cells, position);
}

void JoinedCells::Settle(SequenceId sequence) {
  first_.Settle(sequence);
  second_.Settle(sequence);
}

void JoinedCells::Forget(SequenceId sequence) {
  first_.Forget(sequence);
  second_.Forget(sequence);
}

void JoinedCells::Shrink(SequenceId sequence, std::uint32_t cells, std::int32_t position) {
  first_.Shrink(sequence, cells, position);
  second_.Shrink(sequence, cells, position);
}

std::vector<std::uint8_t> JoinedCells::ReadPage(PageId page) const {
  return Join(first_.ReadPage(page), second_.ReadPage(page));
}

void JoinedCells::WritePage(PageId page, std::span<const std::uint8_t> bytes) {
  const std::size_t size = first_.BytesPerCell() * page_size_;
  first_.WritePage(page, bytes.first(size));
  second_.WritePage(page, bytes.subspan(size));
}

std::vector<std::uint8_t> JoinedCells::ReadCells(const PageTable& table, std::uint32_t cells) const {
  return Join(first_.ReadCells(table, cells), second_.ReadCells(table, cells));
}

void JoinedCells::WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                             std::span<const std::uint8_t> bytes) {
  const std::size_t size = first_.BytesPerCell() * total;
  first_.WriteCells(table, begin, end, total, bytes.first(size));
  second_.WriteCells(table, begin, end, total, bytes.subspan(size));
}

}  // namespace medinfer
