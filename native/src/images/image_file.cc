#include "medinfer/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

#include "base/excerpt.h"

extern "C" {
#include "hash/sha256/sha256.h"
}

namespace medinfer {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int value() const { return value_; }

 private:
  const int value_;
};

Status NotFound(const std::string& path, const std::string& why) {
  return {Code::kImageNotFound, "image " + ExcerptPath(path) + ": " + why};
}

Status Unreadable(const std::string& path, int error) {
  if (error == ENOENT) return NotFound(path, "there is no such file");
  return NotFound(path, "it cannot be read (" + std::generic_category().message(error) + ")");
}

// Reads until the buffer is full, or the file ends because it was cut meanwhile; -1: errno says why it cannot be read.
ssize_t ReadAll(int file, std::span<std::uint8_t> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = read(file, buffer.data() + done, buffer.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return n;
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

ImageFile ImageData::Copy(std::span<const std::uint8_t> bytes) {
  auto copy = std::make_unique_for_overwrite<std::uint8_t[]>(bytes.size());
  std::ranges::copy(bytes, copy.get());
  return std::make_shared<const ImageData>(std::move(copy), bytes.size());
}

Result<ImageFile> ImageData::Read(const std::string& path, std::uint64_t max_bytes) {
  // Of a pipe it would wait for a writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.value() < 0) return Unreadable(path, errno);
  struct stat facts{};
  if (fstat(file.value(), &facts) != 0) return Unreadable(path, errno);
  if (S_ISDIR(facts.st_mode)) return NotFound(path, "it is a folder: name an image file in it");
  if (!S_ISREG(facts.st_mode)) return NotFound(path, "it is no regular file");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size > max_bytes) {
    return Status(Code::kImageTooLarge, "the image has " + std::to_string(size) + " bytes, more than the " +
                                            std::to_string(max_bytes) +
                                            " allowed: send a smaller one or raise maxImageBytes of Engine.load");
  }
  try {
    auto bytes = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    const ssize_t n = ReadAll(file.value(), {bytes.get(), size});
    if (n < 0) return Unreadable(path, errno);
    if (n == 0) return Status(Code::kImageDecode, "the image is empty: it has no bytes");
    auto image = std::make_shared<const ImageData>(std::move(bytes), static_cast<std::size_t>(n));
    static_cast<void>(image->digest());
    return ImageFile(std::move(image));
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "not enough memory to read the image of " + std::to_string(size) + " bytes");
  }
}

const ImageData::Digest& ImageData::digest() const {
  static_assert(SHA256_DIGEST_SIZE == sizeof(Digest));
  std::call_once(digested_, [this] { sha256_hash(digest_.data(), bytes_.get(), size_); });
  return digest_;
}

}  // namespace medinfer
