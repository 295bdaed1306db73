// Keys and values on their way out of the cache and back.
#include <algorithm>

#include "ggml-backend.h"
#include "model/paged_kv.h"

namespace medinfer {

template <typename Visit>
void PagedKv::ForEachStorage(Visit visit) const {
  for (const std::uint32_t layer : get_layer_ids()) {
    const auto il = static_cast<std::int32_t>(layer);
    for (ggml_tensor* tensor : {get_k_storage(il), get_v_storage(il)}) {
      if (tensor != nullptr) visit(tensor);
    }
  }
}

std::uint64_t PagedKv::BytesPerCell() const {
  std::uint64_t bytes = 0;
  ForEachStorage([&](const ggml_tensor* tensor) { bytes += tensor->nb[1]; });
  return bytes;
}

std::vector<std::uint8_t> PagedKv::ReadPage(PageId page) const {
  const std::size_t cells = pool_.page_size();
  std::vector<std::uint8_t> bytes(BytesPerCell() * cells);
  std::uint8_t* out = bytes.data();
  ForEachStorage([&](const ggml_tensor* tensor) {
    const std::size_t size = cells * tensor->nb[1];
    ggml_backend_tensor_get(tensor, out, page * size, size);
    out += size;
  });
  return bytes;
}

void PagedKv::WritePage(PageId page, std::span<const std::uint8_t> bytes) {
  const std::uint8_t* in = bytes.data();
  ForEachStorage([&](ggml_tensor* tensor) {
    const std::size_t size = pool_.page_size() * tensor->nb[1];
    ggml_backend_tensor_set(tensor, in, page * size, size);
    in += size;
  });
}

std::vector<std::uint8_t> PagedKv::ReadCells(const PageTable& table, std::uint32_t cells) const {
  std::vector<std::uint8_t> bytes(BytesPerCell() * cells);
  std::uint8_t* out = bytes.data();
  ForEachStorage([&](const ggml_tensor* tensor) {
    const std::size_t row = tensor->nb[1];
    for (const PageTable::Run& run : table.runs()) {
      if (run.begin >= cells) break;
      const std::size_t count = std::min(run.count, cells - run.begin);
      ggml_backend_tensor_get(tensor, out + run.begin * row, std::size_t{table.Cell(run.begin)} * row, count * row);
    }
    out += cells * row;
  });
  return bytes;
}

void PagedKv::WriteCells(const PageTable& table, std::uint32_t begin, std::uint32_t end, std::uint32_t total,
                         std::span<const std::uint8_t> bytes) {
  const std::uint8_t* in = bytes.data();
  ForEachStorage([&](ggml_tensor* tensor) {
    const std::size_t row = tensor->nb[1];
    for (const PageTable::Run& run : table.runs()) {
      const std::uint32_t first = std::max(run.begin, begin);
      const std::uint32_t last = std::min(run.begin + run.count, end);
      if (first >= last) continue;
      const std::size_t count = last - first;
      ggml_backend_tensor_set(tensor, in + first * row, std::size_t{table.Cell(first)} * row, count * row);
    }
    in += total * row;
  });
}

}  // namespace medinfer
