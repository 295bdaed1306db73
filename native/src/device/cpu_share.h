// Who takes how many cores where images are encoded beside decoding on the CPU. Threads of a pass meet at a barrier
// behind every node and spin there, so a thread that has no core holds up all others: two sets of threads for all cores
// would take several times as long as one after the other.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace medinfer {

class CpuShare {
 public:
  // `cores`: that both may take together, at least 1.
  explicit CpuShare(std::uint32_t cores) : cores_(cores) {}

  // Engine thread: whether sequences are being decoded.
  void SetDecoding(bool decoding) { decoding_ = decoding; }
  // Encode thread: threads for the next piece of a pass, until EndEncoding: all while nothing is decoded, else half.
  std::uint32_t ForEncoding();
  void EndEncoding() { encoding_ = false; }
  // Threads for a pass of the decoder that begins now, of `wanted`.
  std::uint32_t ForDecoding(std::uint32_t wanted) const;

  std::uint32_t cores() const { return cores_; }

 private:
  // Of the encoder beside decoding. One of one core, which both then share.
  std::uint32_t half() const;

  const std::uint32_t cores_;
  std::atomic<bool> decoding_{false};
  std::atomic<bool> encoding_{false};
};

}  // namespace medinfer
