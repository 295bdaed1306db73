// An image file in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "medinfer/status.h"

namespace medinfer {

class ImageData;

// The bytes of an image file as it lies on disk (JPEG, PNG, GIF or BMP). Shared: the engine keeps them while it needs
// them and copies nothing.
using ImageFile = std::shared_ptr<const ImageData>;

// Immutable; any thread.
class ImageData {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  // A copy of the bytes.
  static ImageFile Copy(std::span<const std::uint8_t> bytes);

  // A regular file's bytes, with their digest: both take their time here, on the caller's thread, so that no other has
  // to wait for them. Fails with kImageNotFound, kImageTooLarge, kImageDecode where it is empty, or kOutOfMemory.
  static Result<ImageFile> Read(const std::string& path, std::uint64_t max_bytes);

  // Use Copy or Read.
  ImageData(std::unique_ptr<std::uint8_t[]> bytes, std::size_t size) : bytes_(std::move(bytes)), size_(size) {}
  ImageData(const ImageData&) = delete;
  ImageData& operator=(const ImageData&) = delete;

  std::span<const std::uint8_t> bytes() const { return {bytes_.get(), size_}; }
  const std::uint8_t* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // SHA-256 of the bytes; whoever asks first computes it.
  const Digest& digest() const;

 private:
  const std::unique_ptr<std::uint8_t[]> bytes_;
  const std::size_t size_;
  mutable std::once_flag digested_;
  mutable Digest digest_{};  // set under digested_
};

}  // namespace medinfer
