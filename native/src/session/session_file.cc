#include "session/session_file.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "base/excerpt.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>
#endif

namespace medinfer {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::array<std::uint8_t, 8> kMagic = {'M', 'E', 'D', 'S', 'E', 'S', 'S', '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPiece = 1U << 20U;  // bytes between two questions whether to give up

struct Header {
  std::array<std::uint8_t, 8> magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t reserved = 0;
  ModelIdentity identity{};
  std::uint64_t note_bytes = 0;
  std::uint64_t salt_bytes = 0;
  std::uint64_t keys = 0;
  std::uint64_t cells = 0;
  std::uint64_t bytes_per_cell = 0;
};
static_assert(sizeof(Header) == 88, "no padding");

using Digest = std::array<std::uint8_t, SHA256_DIGEST_SIZE>;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Status Bad(const std::string& path, const std::string& why) {
  return {Code::kBadSession, "session " + ExcerptPath(path) + ": " + why};
}

Status Unwritable(const std::string& path, int error) {
  return Bad(path, std::string("it cannot be written (") + std::strerror(error) +
                       "): check that its folder exists, is writable and has room");
}

// A new file that its owner alone may read.
File Create(const std::string& path) {
#ifdef _WIN32
  return File(std::fopen(path.c_str(), "wbx"));
#else
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return nullptr;
  File file(fdopen(descriptor, "wb"));
  if (file == nullptr) close(descriptor);
  return file;
#endif
}

bool Flush(std::FILE* file) {
  if (std::fflush(file) != 0) return false;
#ifdef _WIN32
  return true;
#else
  return fsync(fileno(file)) == 0;
#endif
}

class Writer {
 public:
  Writer(std::FILE* file, const std::function<bool()>& give_up) : file_(file), give_up_(give_up) {
    sha256_init(&hash_);
  }

  bool Write(const void* data, std::size_t size) {
    const auto* at = static_cast<const unsigned char*>(data);
    while (size > 0) {
      if (give_up_()) {
        errno = EINTR;
        return false;
      }
      const std::size_t n = std::min(size, kPiece);
      if (std::fwrite(at, 1, n, file_) != n) return false;
      sha256_update(&hash_, at, n);
      at += n;
      size -= n;
    }
    return true;
  }

  bool WriteDigest() {
    Digest digest{};
    sha256_final(&hash_, digest.data());
    return std::fwrite(digest.data(), 1, digest.size(), file_) == digest.size();
  }

 private:
  std::FILE* file_;
  const std::function<bool()>& give_up_;
  sha256_t hash_{};
};

bool WriteAll(std::FILE* file, const SessionData& data, const Header& header, const std::function<bool()>& give_up) {
  Writer writer(file, give_up);
  return writer.Write(&header, sizeof(header)) && writer.Write(data.note.data(), data.note.size()) &&
         writer.Write(data.salt.data(), data.salt.size()) &&
         writer.Write(data.keys.data(), data.keys.size() * sizeof(CellKey)) &&
         writer.Write(data.bytes.data(), data.bytes.size()) && writer.WriteDigest() && Flush(file);
}

class Reader {
 public:
  Reader(std::FILE* file, const std::function<bool()>& give_up) : file_(file), give_up_(give_up) {
    sha256_init(&hash_);
  }

  bool Read(void* data, std::size_t size) {
    auto* at = static_cast<unsigned char*>(data);
    while (size > 0) {
      const std::size_t n = std::min(size, kPiece);
      if (give_up_() || std::fread(at, 1, n, file_) != n) return false;
      sha256_update(&hash_, at, n);
      at += n;
      size -= n;
    }
    return true;
  }

  // Whether the digest of what was read comes next.
  bool DigestFits() {
    Digest computed{};
    Digest stored{};
    sha256_final(&hash_, computed.data());
    return std::fread(stored.data(), 1, stored.size(), file_) == stored.size() && stored == computed;
  }

 private:
  std::FILE* file_;
  const std::function<bool()>& give_up_;
  sha256_t hash_{};
};

// Whether the lengths add up to the size of the file, whatever they are.
bool LengthsFit(const Header& header, std::uint64_t file_size) {
  std::uint64_t left = file_size - sizeof(Header) - sizeof(Digest);
  const auto take = [&left](std::uint64_t count, std::uint64_t size) {
    if (size != 0 && count > left / size) return false;
    left -= count * size;
    return true;
  };
  return header.cells <= header.keys && header.keys <= std::numeric_limits<std::uint32_t>::max() &&
         take(header.note_bytes, 1) && take(header.salt_bytes, 1) && take(header.keys, sizeof(CellKey)) &&
         take(header.cells, header.bytes_per_cell) && left == 0;
}

}  // namespace

Status WriteSession(const std::string& path, const SessionData& data, const ModelIdentity& identity,
                    const std::function<bool()>& give_up) {
  static std::atomic<std::uint64_t> count{0};
  Header header;
  header.identity = identity;
  header.note_bytes = data.note.size();
  header.salt_bytes = data.salt.size();
  header.keys = data.keys.size();
  header.cells = data.cells;
  header.bytes_per_cell = data.bytes_per_cell;
#ifdef _WIN32
  const std::string owner;
#else
  const std::string owner = std::to_string(getpid()) + "-";
#endif
  // What is renamed over a device or a pipe takes its place.
  std::error_code unknown;
  const std::filesystem::file_status there = std::filesystem::status(path, unknown);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    return Bad(path, "something else than a file is there: name another");
  }
  const std::string partial = path + ".partial-" + owner + std::to_string(count++);
  File file = Create(partial);
  if (file == nullptr) return Unwritable(path, errno);
  bool written = WriteAll(file.get(), data, header, give_up);
  int error = errno;
  if (std::fclose(file.release()) != 0 && written) {
    written = false;
    error = errno;
  }
  std::error_code renamed;
  if (written) std::filesystem::rename(partial, path, renamed);
  if (written && !renamed) return {};
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  return Unwritable(path, written ? renamed.value() : error);
}

Result<SessionData> ReadSession(const std::string& path, const ModelIdentity& identity, std::uint64_t bytes_per_cell,
                                const std::function<bool()>& give_up) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return Bad(path, "there is no such file: check the path");
  const std::uint64_t size = std::filesystem::file_size(path, error);
  const File file(std::fopen(path.c_str(), "rb"));
  if (error || file == nullptr) return Bad(path, std::string("it cannot be read (") + std::strerror(errno) + ")");
  Reader reader(file.get(), give_up);
  Header header;
  if (size < sizeof(Header) + sizeof(Digest) || !reader.Read(&header, sizeof(header)) || header.magic != kMagic) {
    return Bad(path, "it is no saved session, or was cut short: save it again");
  }
  if (header.version != kVersion) {
    return Bad(path, "it has the format of another version of medinfer: restore it with that one");
  }
  if (header.identity != identity) {
    return Bad(path, "it was saved with another model, projector or kv.type: load the engine as it was then");
  }
  const Status damaged = Bad(path, "it is damaged or was cut short: restore a copy, or begin a new session");
  const bool sized = header.bytes_per_cell == bytes_per_cell || header.cells == 0;
  if (!sized || !LengthsFit(header, size)) return damaged;
  SessionData data;
  data.note.resize(header.note_bytes);
  data.salt.resize(header.salt_bytes);
  data.keys.resize(header.keys);
  data.cells = static_cast<std::uint32_t>(header.cells);
  data.bytes_per_cell = header.bytes_per_cell;
  data.bytes.resize(header.cells * header.bytes_per_cell);
  const bool whole = reader.Read(data.note.data(), data.note.size()) &&
                     reader.Read(data.salt.data(), data.salt.size()) &&
                     reader.Read(data.keys.data(), data.keys.size() * sizeof(CellKey)) &&
                     reader.Read(data.bytes.data(), data.bytes.size()) && reader.DigestFits();
  if (!whole) return damaged;
  return data;
}

}  // namespace medinfer
