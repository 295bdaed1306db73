// Blocks of one size in a file without a name: it is unlinked before anything is written, so that no other process
// finds it, and nothing of it is left when this one ends, however it ends. Its owner alone could read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "medinfer/status.h"

namespace medinfer {

// Thread-safe, as far as no block is read and written at once.
class SpillFile {
 public:
  // In a folder that exists. Fails with kInvalidArgument; the message says why, without the folder's name.
  static Result<std::unique_ptr<SpillFile>> Create(const std::string& folder);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  // False: the system refuses, because the disk is full, say. All blocks are of the size of `bytes`.
  bool Write(std::uint32_t block, std::span<const std::uint8_t> bytes);
  bool Read(std::uint32_t block, std::span<std::uint8_t> bytes) const;
  // It will be read soon: the system may begin to.
  void ReadAhead(std::uint32_t block, std::size_t size) const;

 private:
  explicit SpillFile(int descriptor) : descriptor_(descriptor) {}

  const int descriptor_;
};

}  // namespace medinfer
