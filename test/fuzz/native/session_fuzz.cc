// Session files: any bytes are read to the end, or refused.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "session/session_file.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

constexpr std::size_t kHeader = 88;
constexpr std::size_t kDigest = SHA256_DIGEST_SIZE;
constexpr std::uint64_t kCellBytes = 16;

bool Never() { return false; }

void Require(bool condition) {
  if (!condition) std::abort();
}

// A file that is in memory alone.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("session", MFD_CLOEXEC)) {
    Require(descriptor_ >= 0);
    path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  void Fill(const std::vector<std::uint8_t>& bytes) {
    Require(ftruncate(descriptor_, 0) == 0);
    Require(pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

void Read(MemoryFile& file, const std::vector<std::uint8_t>& bytes) {
  file.Fill(bytes);
  const Result<SessionData> read = ReadSession(file.path(), ModelIdentity{}, kCellBytes, Never);
  if (!read.ok()) {
    Require(read.status().code() == Code::kBadSession);
    return;
  }
  const SessionData& data = read.value();
  const std::size_t counted =
      data.note.size() + data.salt.size() + data.keys.size() * sizeof(CellKey) + data.bytes.size();
  Require(counted + kHeader + kDigest == bytes.size());
  Require(data.cells <= data.keys.size() && data.bytes.size() == data.cells * data.bytes_per_cell);
}

// What a forger would write: the start and the checksum as they must be, and anything between.
std::vector<std::uint8_t> Mended(std::vector<std::uint8_t> bytes) {
  if (bytes.size() < kHeader + kDigest) return bytes;
  constexpr std::array<std::uint8_t, 12> kStart = {'M', 'E', 'D', 'S', 'E', 'S', 'S', '\n', 1, 0, 0, 0};
  std::memcpy(bytes.data(), kStart.data(), kStart.size());
  std::memset(bytes.data() + 16, 0, sizeof(ModelIdentity));
  const std::size_t covered = bytes.size() - kDigest;
  sha256_t hash{};
  sha256_init(&hash);
  sha256_update(&hash, bytes.data(), covered);
  sha256_final(&hash, bytes.data() + covered);
  return bytes;
}

}  // namespace
}  // namespace medinfer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static medinfer::MemoryFile file;
  const std::vector<std::uint8_t> bytes(data, data + size);
  medinfer::Read(file, bytes);
  medinfer::Read(file, medinfer::Mended(bytes));
  return 0;
}
