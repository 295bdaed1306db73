// Writes a GGUF file whose tensors are drawn at random while they are written, so that memory stays small whatever
// the size of the file. The same seed gives the same bytes: each tensor has a generator of its own, seeded by its name.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ggml.h"
#include "gguf.h"

namespace medinfer::tools {

// Uniform numbers of a given standard deviation (splitmix64). Uniform weights serve as well as normal ones here and
// cost a tenth, which matters at 500 MB.
class UniformSource {
 public:
  UniformSource(std::uint64_t seed, const std::string& name) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {
    for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }

  float Next(float deviation) {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    const auto unit = static_cast<float>(z >> 40U) / static_cast<float>(1U << 24U);  // 0..1
    constexpr float kSqrt12 = 3.4641016F;                                            // a unit interval has 1/√12
    return (unit - 0.5F) * kSqrt12 * deviation;
  }

 private:
  std::uint64_t state_;
};

class GgufFile {
 public:
  using RowFilter = std::function<bool(std::int64_t)>;

  explicit GgufFile(std::uint64_t seed) : seed_(seed), meta_(gguf_init_empty(), gguf_free) {}

  // Large models in seconds: only the first values of a tensor are drawn and quantised, and its other rows repeat them,
  // as do tensors of the same type, row length and deviation. For speed, where it does not matter what a model says.
  void RepeatRows() { repeats_ = true; }

  gguf_context* meta() { return meta_.get(); }
  void Set(const std::string& key, const std::string& value) { gguf_set_val_str(meta(), key.c_str(), value.c_str()); }
  void SetInt(const std::string& key, std::int64_t value) {
    gguf_set_val_u32(meta(), key.c_str(), static_cast<std::uint32_t>(value));
  }
  void SetReal(const std::string& key, double value) {
    gguf_set_val_f32(meta(), key.c_str(), static_cast<float>(value));
  }
  void SetBool(const std::string& key, bool value) { gguf_set_val_bool(meta(), key.c_str(), value); }
  void SetReals(const std::string& key, const std::vector<float>& values) {
    gguf_set_arr_data(meta(), key.c_str(), GGUF_TYPE_FLOAT32, values.data(), values.size());
  }
  void SetInts(const std::string& key, const std::vector<std::int32_t>& values) {
    gguf_set_arr_data(meta(), key.c_str(), GGUF_TYPE_INT32, values.data(), values.size());
  }

  // A tensor of random weights; `dims` as ggml counts them, the row's length first. A row length that the type's
  // blocks do not divide falls back to F16, as llama.cpp's own quantizer does. Rows outside `keep` are zero.
  void Random(const std::string& name, std::vector<std::int64_t> dims, ggml_type type, double deviation,
              RowFilter keep = {}) {
    if (dims[0] % ggml_blck_size(type) != 0) type = GGML_TYPE_F16;
    tensors_.push_back({name, std::move(dims), type, static_cast<float>(deviation), 0.0F, std::move(keep)});
  }
  // Norms: every element the same, F32.
  void Constant(const std::string& name, std::vector<std::int64_t> dims, float value) {
    tensors_.push_back({name, std::move(dims), GGML_TYPE_F32, 0.0F, value, {}});
  }

  // Throws std::runtime_error.
  void Write(const std::string& path) {
    AddTensorInfos();
    if (!gguf_write_to_file(meta(), path.c_str(), /*only_meta=*/true)) throw std::runtime_error("cannot write " + path);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "ab"), std::fclose);
    if (!file) throw std::runtime_error("cannot append to " + path);
    for (const Tensor& tensor : tensors_) WriteTensor(tensor, file.get());
    if (std::fflush(file.get()) != 0) throw std::runtime_error("cannot write " + path);
  }

 private:
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> dims;
    ggml_type type;
    float deviation;
    float constant;
    RowFilter keep;
  };

  void AddTensorInfos() {
    const ggml_init_params params = {ggml_tensor_overhead() * (tensors_.size() + 1), nullptr, /*no_alloc=*/true};
    const std::unique_ptr<ggml_context, void (*)(ggml_context*)> context(ggml_init(params), ggml_free);
    for (const Tensor& tensor : tensors_) {
      ggml_tensor* info =
          ggml_new_tensor(context.get(), tensor.type, static_cast<int>(tensor.dims.size()), tensor.dims.data());
      ggml_set_name(info, tensor.name.c_str());
      gguf_add_tensor(meta(), info);
    }
  }

  void WriteTensor(const Tensor& tensor, std::FILE* file) const {
    const std::int64_t length = tensor.dims[0];
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < tensor.dims.size(); ++i) rows *= tensor.dims[i];
    const std::int64_t chunk = std::min(rows, std::max<std::int64_t>(1, (1 << (repeats_ ? 22 : 18)) / length));
    if (repeats_ && tensor.deviation > 0) return Pad(WriteRepeated(tensor, rows, chunk, file), file);
    std::vector<float> values(static_cast<std::size_t>(chunk * length), tensor.constant);
    std::vector<std::uint8_t> bytes(ggml_row_size(tensor.type, length) * static_cast<std::size_t>(chunk));
    UniformSource source(seed_, tensor.name);

    std::size_t written = 0;
    for (std::int64_t first = 0; first < rows; first += chunk) {
      const std::int64_t count = std::min(chunk, rows - first);
      for (std::int64_t row = 0; tensor.deviation > 0 && row < count; ++row) {
        const bool kept = !tensor.keep || tensor.keep(first + row);
        for (std::int64_t i = 0; i < length; ++i) {
          const float value = source.Next(tensor.deviation);
          values[static_cast<std::size_t>(row * length + i)] = kept ? value : 0.0F;
        }
      }
      const std::size_t size =
          ggml_quantize_chunk(tensor.type, values.data(), bytes.data(), 0, count, length, /*imatrix=*/nullptr);
      written += std::fwrite(bytes.data(), 1, size, file);
    }
    Pad(written, file);
  }

  std::size_t WriteRepeated(const Tensor& tensor, std::int64_t rows, std::int64_t chunk, std::FILE* file) const {
    const std::int64_t length = tensor.dims[0];
    const std::size_t row_size = ggml_row_size(tensor.type, length);
    std::vector<std::uint8_t>& bytes = drawn_[{tensor.type, length, tensor.deviation}];
    if (bytes.size() < row_size * static_cast<std::size_t>(chunk)) {
      std::vector<float> values(static_cast<std::size_t>(chunk * length));
      UniformSource source(seed_, tensor.name);
      for (float& value : values) value = source.Next(tensor.deviation);
      bytes.resize(row_size * static_cast<std::size_t>(chunk));
      ggml_quantize_chunk(tensor.type, values.data(), bytes.data(), 0, chunk, length, /*imatrix=*/nullptr);
    }
    std::size_t written = 0;
    for (std::int64_t first = 0; first < rows; first += chunk) {
      const auto count = static_cast<std::size_t>(std::min(chunk, rows - first));
      written += std::fwrite(bytes.data(), 1, row_size * count, file);
    }
    return written;
  }

  void Pad(std::size_t written, std::FILE* file) const {
    const std::size_t padded = GGML_PAD(written, gguf_get_alignment(meta_.get()));
    for (; written < padded; ++written) std::fputc(0, file);
  }

  std::uint64_t seed_;
  bool repeats_ = false;
  mutable std::map<std::tuple<ggml_type, std::int64_t, float>, std::vector<std::uint8_t>> drawn_;  // by RepeatRows
  std::unique_ptr<gguf_context, void (*)(gguf_context*)> meta_;
  std::vector<Tensor> tensors_;
};

}  // namespace medinfer::tools
